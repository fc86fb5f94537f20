import { resolve } from "@std/path";
import { findDockerEndpoint, loadMediaTypeFiles } from "../../config/files/room.ts";
import type { ByteStream } from "../../internal/room.ts";
import type { ArtifactFile, HostFiles, ListHost } from "../../list/room.ts";
import { RegistryPool } from "../../registry/room.ts";
import type { SignaturePolicy } from "../../signature/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import {
  ContainersStorageReference,
  createContainersStorageTransport,
  type StoreSpec,
} from "../../transport/containers_storage/room.ts";
import { createDirTransport } from "../../transport/dir/room.ts";
import { createDockerTransport } from "../../transport/docker/room.ts";
import { createDockerArchiveTransport } from "../../transport/docker_archive/room.ts";
import { createDockerDaemonTransport } from "../../transport/docker_daemon/room.ts";
import { createOciTransport } from "../../transport/oci/room.ts";
import { createOciArchiveTransport } from "../../transport/oci_archive/room.ts";
import { createTransportTable } from "../../transport/room.ts";
import { policyForLists } from "../list_policy.ts";
import { lookasideFiles } from "./lookaside_files.ts";
import { hostPlatform } from "./platform.ts";
import { FILE_LOOKUPS } from "./registries.ts";
import { openFetch } from "./registry_fetch.ts";
import { deleteStoredImage, openStore, openStoreForImage, type OpenStoreOptions } from "./store.ts";

const files: HostFiles = {
  resolve: (path) => resolve(path),
  readMediaTypes: loadMediaTypeFiles,
  async find(path): Promise<ArtifactFile> {
    const absolute = resolve(path);
    const unavailable = (cause: unknown): never => {
      // Deno's messages end with the call and its path, which the message already names.
      const reason = (cause as Error).message.replace(/: (stat|open) '.*'$/s, "");
      throw new ManifestsError("ARTIFACT_UNAVAILABLE", `Cannot read "${absolute}": ${reason}`, {
        cause,
      });
    };
    const info = await Deno.stat(absolute).catch(unavailable);
    if (!info.isFile) unavailable(new Error("it is not a file"));
    return {
      path: absolute,
      open: async () => (await Deno.open(absolute).catch(unavailable)).readable as ByteStream,
    };
  },
};

function toStoreOptions({ root, runRoot, driver, options = [] }: StoreSpec): OpenStoreOptions {
  return { root, runRoot, driver, driverOptions: options.length > 0 ? options : undefined };
}

/**
 * A host with a disk, an environment and a network: what lists are given by default. Code that few operations use is
 * loaded on demand, here and by the references of the transports.
 */
export const LOCAL_HOST: ListHost = {
  transports: createTransportTable([
    createDockerTransport({ pool: new RegistryPool(openFetch), lookasideFiles, ...FILE_LOOKUPS }),
    createOciTransport(),
    createOciArchiveTransport(),
    createDockerArchiveTransport(),
    createDockerDaemonTransport({ findEndpoint: findDockerEndpoint }),
    createContainersStorageTransport({
      openStore: (spec) => openStore(toStoreOptions(spec)),
      openImageWriter: (spec, { temporaryFolder }) => openStoreForImage(toStoreOptions(spec), temporaryFolder),
      deleteImage: (spec, image) => deleteStoredImage(toStoreOptions(spec), image),
    }),
    createDirTransport(),
  ]),
  openBlobInfoCache: async (context) => await (await import("./blob_info_cache.ts")).openBlobInfoCache(context),
  openStoreTarget: async (reference) =>
    reference instanceof ContainersStorageReference ? await reference.openTarget() : undefined,
  openSigners: async (keys) => await (await import("./signers.ts")).openSigners(keys),
  get platform() {
    return hostPlatform();
  },
  openPolicy(context) {
    let loading: Promise<SignaturePolicy> | undefined;
    return policyForLists(async () => {
      const { loadSignaturePolicy } = await import("./policy.ts");
      return await (loading ??= loadSignaturePolicy(context));
    });
  },
  readPolicyFile: async (path) => await (await import("../../signature/files/room.ts")).readPolicyFile(path),
  files,
};
