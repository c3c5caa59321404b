import { NodeFileSystem, silentLogger } from '#kernel';
import { LocalMetaStore } from '#meta';
import { temporaryFolder } from '#test-support';
import { LeaseTaskRunner } from './task-runner.js';
import { taskRunnerContract } from './testing/task-runner-contract.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe('LeaseTaskRunner over LocalMetaStore', () => {
  let count = 0;

  taskRunnerContract(async () => {
    const store = new LocalMetaStore(
      new NodeFileSystem(),
      `${folder.path}/${count++}`,
      silentLogger,
    );
    await store.open();
    return [new LeaseTaskRunner(store), new LeaseTaskRunner(store)];
  });
});
