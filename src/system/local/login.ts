import {
  assertSavable,
  eraseAllCredentials,
  eraseCredentials,
  findSavedCredentials,
  loadCertificates,
  loadRegistriesConf,
  type Password,
  saveCredentials,
} from "../../config/files/room.ts";
import { type CredentialKey, findRegistry, parseCredentialKey } from "../../config/room.ts";
import type { CallOptions, SystemContext } from "../../image/room.ts";
import { RegistryClient } from "../../registry/room.ts";
import { type Credentials, ManifestsError } from "../../spec/room.ts";
import { openFetch } from "./registry_fetch.ts";

/** Options for {@linkcode openLogin}. */
export interface LoginOptions extends CallOptions {
  /** Credential files, and how to reach the registry. */
  systemContext?: SystemContext | undefined;
}

/** Saved credentials of one registry, or of a namespace in it. */
export interface Login extends CredentialKey {
  /** Finds the saved credentials; `undefined` if there are none. A named credential file may be missing. */
  find(): Promise<Credentials | undefined>;
  /**
   * Checks that the registry accepts credentials.
   *
   * @throws {ManifestsError} With code `UNAUTHORIZED` or `DENIED` if it rejects them, or another code if it cannot be
   * asked; see `RegistryClient.checkCredentials`.
   */
  check(credentials: Password): Promise<void>;
  /** Checks that credentials can be saved, so that a damaged file is reported before the user is asked for them. */
  assertSavable(): Promise<void>;
  /** Saves credentials without checking them. Returns the path of the file, or the name of the helper. */
  save(credentials: Password): Promise<string>;
  /** Deletes the saved credentials. Returns `false` if there were none. */
  erase(): Promise<boolean>;
}

/**
 * Opens the saved credentials of a registry; nothing is read or sent.
 *
 * @param registry A registry or namespace, such as `quay.io` or `quay.io/me`. Default: the first of
 * `unqualified-search-registries` in `registries.conf`.
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID` or `CONFIG_FILE_UNREADABLE`.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
 */
export async function openLogin(registry: string | undefined, options: LoginOptions = {}): Promise<Login> {
  const { systemContext = {}, signal } = options;
  const conf = await loadRegistriesConf(systemContext);
  const at = parseCredentialKey(registry ?? conf.unqualifiedSearchRegistries?.[0] ?? failWithoutRegistry());
  const helpers = conf.credentialHelpers ?? [];
  const saved = { choices: systemContext, helpers, signal };
  return {
    ...at,
    find: () => findSavedCredentials(at.key, systemContext, helpers),
    async check(credentials) {
      const entry = findRegistry(conf, at.key);
      if (entry?.blocked) {
        throw new ManifestsError(
          "REGISTRY_BLOCKED",
          `Cannot log in to ${at.registry}: registry ${entry.prefix} is blocked in ${entry.file}`,
        );
      }
      const insecure = systemContext.dockerInsecureSkipTlsVerify ?? entry?.insecure ?? false;
      await checkCredentials(at.registry, credentials, insecure, systemContext, signal);
    },
    assertSavable: () => assertSavable(at.key, saved),
    save: (credentials) => saveCredentials(at.key, credentials, saved),
    erase: () => eraseCredentials(at.key, saved),
  };
}

/**
 * Deletes all saved credentials.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID`, `CONFIG_FILE_UNREADABLE` or `CREDENTIAL_HELPER_FAILED`.
 */
export async function eraseAllLogins({ systemContext = {}, signal }: LoginOptions = {}): Promise<void> {
  const { credentialHelpers: helpers = [] } = await loadRegistriesConf(systemContext);
  await eraseAllCredentials({ choices: systemContext, helpers, signal });
}

async function checkCredentials(
  registry: string,
  credentials: Password,
  insecure: boolean,
  context: SystemContext,
  signal: AbortSignal | undefined,
): Promise<void> {
  const host = registry === "index.docker.io" ? "docker.io" : registry;
  const tls = context.fetch ? undefined : await loadCertificates(host, context);
  const handle = context.fetch ? undefined : openFetch({ host, insecure, tls });
  try {
    const client = new RegistryClient(host, {
      credentials,
      insecure,
      insecureTokenServices: context.insecureTokenServices,
      fetch: context.fetch ?? handle?.fetch,
      userAgent: context.dockerRegistryUserAgent,
      onWarning: context.onWarning,
    });
    // A person waits for the answer, and a mistyped host would be tried for seconds.
    await client.checkCredentials({ signal, maxRetries: 0 });
  } finally {
    handle?.close();
  }
}

function failWithoutRegistry(): never {
  throw new ManifestsError(
    "INVALID_REFERENCE",
    "no registries found in registries.conf, a registry must be provided",
  );
}
