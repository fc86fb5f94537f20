import type { Platform } from "../spec/room.ts";

/** An instance to be added to a list. */
export interface NewInstance {
  /** Digest of the instance's manifest. */
  readonly digest: string;
  /** Size of its manifest in bytes. */
  readonly size: number;
  /** Media type of its manifest. */
  readonly mediaType: string;
  /** Platform of the instance. Default: none. */
  readonly platform?: Partial<Platform> | undefined;
  /** CPU features; only a Docker list can store them. Default: none. */
  readonly features?: readonly string[] | undefined;
  /** Annotations of its entry; only an OCI index can store them. Default: none. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}
