/** Annotations of an attachment's layer, in which registries store a sigstore signature next to its payload. */
export const ANNOTATIONS = {
  signature: "dev.cosignproject.cosign/signature",
  certificate: "dev.sigstore.cosign/certificate",
  chain: "dev.sigstore.cosign/chain",
  set: "dev.sigstore.cosign/bundle",
} as const;
