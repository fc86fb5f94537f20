import { ManifestsError } from "../../../spec/room.ts";
import { findLibc } from "../../lock/fcntl.ts";
import { loadLibc, readWhole } from "./libc.ts";

/** Number of the capability that mounting and `trusted` attributes need (capabilities(7)). */
const CAP_SYS_ADMIN = 21n;

/** Map of user ids outside of any user namespace: all ids are themselves (user_namespaces(7)). */
const FULL_MAP = /^\s*0\s+0\s+4294967295\s*$/;

/**
 * Finds out what this process may do with the files of layers.
 *
 * @returns Whether it has only the rights of a user namespace.
 * @throws {ManifestsError} With code `STORE_READ_ONLY` if it may not change layers, or `LOCK_UNAVAILABLE` without
 * `--allow-ffi`; the message names a command that works.
 */
export function findRights(store: string): { limited: boolean } {
  if (!findLibc()) {
    const advice = Deno.build.os === "linux" ? "run with --allow-ffi" : "use a Linux host";
    throw new ManifestsError(
      "LOCK_UNAVAILABLE",
      `Cannot change images in ${store}: files of layers need functions of the C library: ${advice}`,
    );
  }
  if (loadLibc().geteuid() !== 0) {
    throw new ManifestsError(
      "STORE_READ_ONLY",
      `Cannot change images in ${store}: only root can change files of layers: run the same command in a user namespace ("podman unshare manifests …" or "buildah unshare manifests …"), or as root`,
    );
  }
  return { limited: isRootless() };
}

/** True if other tools would work as for a user without rights (storage `unshare.IsRootless`, and the rights needed). */
function isRootless(): boolean {
  const uid = readVariable("_CONTAINERS_ROOTLESS_UID");
  if (uid !== undefined && uid !== "" && uid !== "0") return true;
  if (readVariable("_CONTAINERS_USERNS_CONFIGURED")) return true;
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readWhole("/proc/self/status"))?.[1] ?? "0";
  const isAdmin = (BigInt(`0x${capabilities}`) >> CAP_SYS_ADMIN & 1n) === 1n;
  return !isAdmin || !FULL_MAP.test(readWhole("/proc/self/uid_map"));
}

function readVariable(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}
