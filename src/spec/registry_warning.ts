/** Warning from a registry that should be shown to the user (distribution-spec, "Warnings"). */
export interface RegistryWarning {
  /** Host of the registry that sent it. */
  readonly host: string;
  /** Text of the warning: one line without control characters. */
  readonly text: string;
}
