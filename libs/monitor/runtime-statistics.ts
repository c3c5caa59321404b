/**
 * What is known of the process: memory and garbage collection under the names of Go's runtime, which clients and dashboards of
 * InfluxDB ask for. What Node does not count is 0.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Statistics } from './statistics.js';

/** Counts garbage collections while it is open. */
export class RuntimeStatistics {
  private collections = 0;
  private pauseNs = 0;
  private observer: PerformanceObserver | null = null;

  /** Begins to watch the garbage collector. Idempotent. */
  open(): void {
    if (this.observer !== null) return;
    this.observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        this.collections++;
        this.pauseNs += Math.round(duration * 1e6);
      }
    });
    this.observer.observe({ entryTypes: ['gc'] });
  }

  close(): void {
    this.observer?.disconnect();
    this.observer = null;
  }

  /** The `runtime` statistics. */
  collect(): readonly Statistics[] {
    const { total_heap_size: heapSys, used_heap_size: heapUsed } = getHeapStatistics();
    const values = {
      Alloc: heapUsed,
      Frees: 0,
      HeapAlloc: heapUsed,
      HeapIdle: heapSys - heapUsed,
      HeapInUse: heapUsed,
      HeapObjects: 0,
      HeapReleased: 0,
      HeapSys: heapSys,
      Lookups: 0,
      Mallocs: 0,
      NumGC: this.collections,
      NumGoroutine: 0,
      PauseTotalNs: this.pauseNs,
      Sys: process.memoryUsage.rss(),
      TotalAlloc: 0,
    };
    return [{ name: 'runtime', tags: {}, values }];
  }
}
