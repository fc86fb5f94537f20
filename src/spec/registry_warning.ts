/** Something that a registry wants to be shown to whoever uses it (distribution-spec, "Warnings"). */
export interface RegistryWarning {
  /** The registry's host. */
  readonly host: string;
  /** One line, without control characters. */
  readonly text: string;
}
