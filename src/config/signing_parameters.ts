import { findUrl } from "../internal/room.ts";
import { type ConfTable, parseYaml, type YamlParser } from "./document/mod.ts";

/** How sigstore signatures are made (containers-sigstore-signing-params.yaml.5). */
export interface SigningParameters {
  /** File of the private key; `undefined`: a certificate of Fulcio is wanted. */
  readonly privateKeyFile: string | undefined;
  /** File whose first line unlocks it; `undefined`: somebody is asked. */
  readonly privateKeyPassphraseFile: string | undefined;
  /** Address of the log that takes the signatures in; `undefined`: none does. */
  readonly rekorUrl: string | undefined;
}

const KEYS: readonly string[] = ["privateKeyFile", "privateKeyPassphraseFile", "rekorURL", "fulcio"];
const FULCIO_KEYS: readonly string[] = [
  ...["fulcioURL", "oidcMode", "oidcIDToken", "oidcIssuerURL", "oidcClientID", "oidcClientSecret"],
];

/**
 * Parses a file of signing parameters. Go: `params.ParseFile`.
 *
 * @throws {ConfigFileError} Where the file is broken, has a key that is not known, or does not say with what to sign.
 */
export function parseSigningParameters(text: string, yaml: YamlParser, path: string): SigningParameters {
  const root = parseYaml(text, yaml, path);
  const fulcio = root.table("fulcio");
  assertKnownKeys(root, KEYS);
  assertKnownKeys(fulcio, FULCIO_KEYS);
  const privateKeyFile = root.nonEmptyText("privateKeyFile");
  const wantsFulcio = root.isTable("fulcio");
  if (privateKeyFile !== undefined && wantsFulcio) root.fail("fulcio", "is there beside privateKeyFile: one can sign");
  if (privateKeyFile === undefined && !wantsFulcio) root.fail(undefined, "neither privateKeyFile nor fulcio is there");
  return {
    privateKeyFile,
    privateKeyPassphraseFile: root.nonEmptyText("privateKeyPassphraseFile"),
    rekorUrl: readUrl(root),
  };
}

function assertKnownKeys(table: ConfTable, known: readonly string[]): void {
  const unknown = table.keys.find((key) => !known.includes(key));
  if (unknown !== undefined) table.fail(unknown, "is not a known key");
}

function readUrl(table: ConfTable): string | undefined {
  const text = table.nonEmptyText("rekorURL");
  if (text === undefined) return undefined;
  const url = findUrl(text);
  // What is wrong is not repeated: it may hold a password.
  if (!url || !/^https?:$/.test(url.protocol)) table.fail("rekorURL", "must be an http or https URL");
  if (url.username || url.password || url.search || url.hash) {
    table.fail("rekorURL", "must be a URL without user, password, query and fragment");
  }
  return text;
}
