import type { SigstoreSignerTrust } from "../sigstore/trust.ts";
import type { Evidence } from "./evidence.ts";
import type { SigstoreSigned } from "./types.ts";

/** Reads the keys and certificates of a requirement. */
export async function loadTrust(
  { trust, rekorPublicKeys }: SigstoreSigned,
  evidence: Evidence,
): Promise<SigstoreSignerTrust> {
  const rekor = rekorPublicKeys && await evidence.materials(rekorPublicKeys);
  switch (trust.kind) {
    case "keys":
      return { kind: "keys", publicKeys: await evidence.materials(trust.keys), rekorPublicKeys: rekor };
    case "fulcio": {
      const { oidcIssuer, subjectEmail } = trust;
      const ca = await evidence.material(trust.ca);
      return { kind: "fulcio", ca, oidcIssuer, subjectEmail, rekorPublicKeys: rekor ?? [] };
    }
    case "pki": {
      const { subjectEmail, subjectHostname, caIntermediates } = trust;
      const roots = await evidence.material(trust.caRoots);
      const intermediates = caIntermediates && await evidence.material(caIntermediates);
      return { kind: "pki", roots, intermediates, subjectEmail, subjectHostname };
    }
  }
}
