/** Commands on users and their privileges. */
import type { MetaCommand } from './command.js';
import { existingDatabase, mapChanged } from './edit.js';
import { MetaError } from './errors.js';
import type { MetaData, User } from './meta-data.js';

type UserCommand = Extract<
  MetaCommand,
  { kind: 'create-user' | 'set-password' | 'drop-user' | 'set-privilege' | 'set-admin' }
>;

/** The state after a command on users. */
export function applyUserCommand(data: MetaData, command: UserCommand): MetaData {
  switch (command.kind) {
    case 'create-user':
      return createUser(data, command);
    case 'set-password':
      return editUser(data, command.name, (user) => ({ ...user, hash: command.hash }));
    case 'drop-user':
      return dropUser(data, command.name);
    case 'set-admin':
      return editUser(data, command.user, (user) =>
        user.isAdmin === command.isAdmin ? user : { ...user, isAdmin: command.isAdmin },
      );
    case 'set-privilege':
      existingUser(data, command.user);
      existingDatabase(data, command.database);
      return editUser(data, command.user, (user) =>
        user.privileges.get(command.database) === command.privilege
          ? user
          : {
              ...user,
              privileges: new Map([...user.privileges, [command.database, command.privilege]]),
            },
      );
  }
}

function createUser(
  data: MetaData,
  { name, hash, isAdmin }: Extract<UserCommand, { kind: 'create-user' }>,
): MetaData {
  if (name === '') throw MetaError.of('username-required');
  if (data.users.some((user) => user.name === name)) throw MetaError.of('user-exists');
  return { ...data, users: [...data.users, { name, hash, isAdmin, privileges: new Map() }] };
}

function dropUser(data: MetaData, name: string): MetaData {
  existingUser(data, name);
  return { ...data, users: data.users.filter((user) => user.name !== name) };
}

function existingUser(data: MetaData, name: string): User {
  const found = data.users.find((user) => user.name === name);
  if (found === undefined) throw MetaError.of('user-not-found');
  return found;
}

function editUser(data: MetaData, name: string, edit: (user: User) => User): MetaData {
  existingUser(data, name);
  const users = mapChanged(data.users, (user) => (user.name === name ? edit(user) : user));
  return users === data.users ? data : { ...data, users };
}
