import { createHasher, encodeUtf8 } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";

/** Resolves to whether the password of a user is right. */
export type PasswordCheck = (username: string, password: string) => Promise<boolean>;

/** Format of the hashes that `htpasswd -B` writes. */
const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;
/** Maximum number of right passwords that are remembered: hashing one again takes a tenth of a second. */
const MAX_CHECKED = 1000;

/**
 * Reads the users and passwords of an htpasswd file, hashed with bcrypt.
 *
 * @param path Path of the file, for messages.
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID` if a line is not `USER:HASH`, or the hash is not bcrypt.
 */
export function parseHtpasswd(text: string, path: string): PasswordCheck {
  const hashes = new Map<string, string>();
  for (const [i, line] of text.split("\n").map((line) => line.trim()).entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const [username, hash] = [line.slice(0, colon), line.slice(colon + 1)];
    if (colon < 1) fail(path, `line ${i + 1} is not USER:HASH`);
    if (!BCRYPT.test(hash)) {
      fail(path, `the password of ${JSON.stringify(username)} is not hashed with bcrypt: use htpasswd -B`);
    }
    hashes.set(username, hash);
  }
  if (hashes.size === 0) fail(path, "it has no users: add one with htpasswd -B");
  return createCheck(hashes);
}

function createCheck(hashes: ReadonlyMap<string, string>): PasswordCheck {
  const [anyHash] = hashes.values();
  const checked = new Set<string>();
  const salt = crypto.randomUUID();
  return async (username, password) => {
    const hasher = createHasher("sha256");
    hasher.update(encodeUtf8(JSON.stringify([salt, username, password])));
    const key = hasher.hex();
    if (checked.has(key)) return true;
    const { compare } = await import("bcryptjs");
    // An unknown user takes as long as a known one, so that the time does not reveal which users exist.
    const matches = await compare(password, hashes.get(username) ?? anyHash!);
    if (!matches || !hashes.has(username)) return false;
    if (checked.size >= MAX_CHECKED) checked.clear();
    checked.add(key);
    return true;
  };
}

function fail(path: string, reason: string): never {
  throw new ManifestsError("CONFIG_FILE_INVALID", `Cannot read ${JSON.stringify(path)}: ${reason}`);
}
