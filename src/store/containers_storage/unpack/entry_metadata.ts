import { PAX_ATTRIBUTE, type TarHeader } from "../../../internal/tar/room.ts";
import { cannotStore } from "../layers/layer_error.ts";
import { quoteBytes, toByteText } from "./byte_text.ts";
import { hasCode, LibcError, S } from "./libc.ts";
import {
  findStat,
  isType,
  type OpenFile,
  type Place,
  setAttribute,
  setMode,
  setOwner,
  setTimes,
  type Time,
} from "./nodes.ts";
import type { UnpackRules } from "./rules.ts";

/** The last second whose nanoseconds since 1970 fit into 64 bits, which is in the year 2262. */
const MAX_SECONDS = 9_223_372_036;

/** Options for unpacking the entries of a layer. */
export interface UnpackOptions {
  /** How the driver stores layers, and what this process may do. */
  readonly rules: UnpackRules;
  /** Digest of the layer, for messages. */
  readonly layer: string;
}

/** Sets the metadata of unpacked files, and explains errors of the disk that an entry causes. */
export class EntryMetadata {
  readonly #rules: UnpackRules;
  readonly #layer: string;

  constructor({ rules, layer }: UnpackOptions) {
    this.#rules = rules;
    this.#layer = layer;
  }

  /**
   * Sets owner, permissions, times and attributes. The owner comes first: a change of the owner resets permissions such as
   * SUID, and capabilities.
   */
  set(target: Place | OpenFile, header: TarHeader): void {
    const { mode, type } = header;
    this.setOwner(target, header);
    // A hard link may be another name of a link.
    const isLink = type === "symlink" || (type === "hardlink" && isType(findStat(target)!, S.LINK));
    if (!isLink) setMode(target, mode);
    if (isLink) setTimes(target, ...readTimes(header));
    else setHeaderTimes(target, header);
    for (const [key, value] of header.pax) {
      const name = key.startsWith(PAX_ATTRIBUTE) ? key.slice(PAX_ATTRIBUTE.length) : "security.selinux";
      if (name !== "security.selinux") this.#setAttribute(target, name, value);
    }
  }

  /** Sets the owner, with an error of its own for one that the user namespace does not have. */
  setOwner(target: Place | OpenFile, header: TarHeader): void {
    try {
      setOwner(target, header.uid, header.gid);
    } catch (error) {
      if (!this.#rules.ignoresOwnerErrors) throw this.#explainOwner(error, header);
    }
  }

  #setAttribute(target: Place | OpenFile, name: string, value: Uint8Array): void {
    try {
      setAttribute(target, name, value);
    } catch (error) {
      // A disk may not support attributes, and only root may set some of them.
      if (!hasCode(error, "EOPNOTSUPP", "ENOTSUP", ...(this.#rules.limited ? ["EPERM"] : []))) throw error;
    }
  }

  #explainOwner(error: unknown, { uid, gid, nameBytes }: TarHeader): unknown {
    if (!hasCode(error, "EINVAL") || !this.#rules.limited) return error;
    return cannotStore(
      this.#layer,
      `its entry ${
        quoteBytes(toByteText(nameBytes))
      } has the owner ${uid}:${gid}, which the user namespace does not have: add ids to /etc/subuid and /etc/subgid, or set ignore_chown_errors in storage.conf`,
      error,
    );
  }

  /** Runs `work` for an entry. Errors of the disk that the entry causes become `LAYER_NOT_REPRODUCIBLE`. */
  explain(header: TarHeader, work: () => void): void {
    try {
      work();
    } catch (error) {
      // A full disk is not a problem of the entry.
      if (!(error instanceof LibcError) || hasCode(error, "ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE")) throw error;
      const name = quoteBytes(toByteText(header.nameBytes));
      throw cannotStore(this.#layer, `its entry ${name} cannot be unpacked: ${error.message}`, error);
    }
  }
}

/** The times in a header. */
type HeaderTimes = Pick<TarHeader, "modTime" | "accessTime">;

/** Sets the times of an entry that is not a link. Like other tools, times before 1970 or after 2262 become 1970. */
export function setHeaderTimes(target: Place | OpenFile, times: HeaderTimes): void {
  const [accessed, modified] = readTimes(times).map((time) =>
    time.seconds < 0 || time.seconds > MAX_SECONDS ? { seconds: 0, nanoseconds: 0 } : time
  );
  setTimes(target, accessed!, modified!);
}

/** Returns the times of access and modification. The first is never earlier than the second. */
function readTimes({ modTime, accessTime = modTime }: HeaderTimes): [accessed: Time, modified: Time] {
  return [isLater(accessTime, modTime) ? accessTime : modTime, modTime];
}

function isLater(a: Time, b: Time): boolean {
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.nanoseconds > b.nanoseconds);
}
