/** Annotations of a sigstore signature, by which registries hold it beside its payload. */
export const ANNOTATIONS = {
  signature: "dev.cosignproject.cosign/signature",
  certificate: "dev.sigstore.cosign/certificate",
  chain: "dev.sigstore.cosign/chain",
  set: "dev.sigstore.cosign/bundle",
} as const;
