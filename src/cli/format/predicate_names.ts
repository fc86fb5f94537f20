/** Short names of the in-toto types of statements, by the beginning of the type. */
const NAMES: readonly (readonly [start: string, name: string])[] = [
  ["https://slsa.dev/provenance/", "provenance"],
  ["https://spdx.dev/Document", "spdx"],
  ["https://cyclonedx.org/", "cyclonedx"],
  ["https://openvex.dev/", "vex"],
  ["https://slsa.dev/verification_summary/", "verification summary"],
  ["https://cosign.sigstore.dev/attestation/vuln/", "vulnerabilities"],
];

/** Returns the short name of an in-toto type, such as `provenance`; the type itself if it has none. */
export function shortenPredicate(type: string): string {
  return NAMES.find(([start]) => type.startsWith(start))?.[1] ?? type;
}
