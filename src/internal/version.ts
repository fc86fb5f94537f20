/** Version of this module. A test asserts that it equals the version of the package. */
export const VERSION = "0.1.0";
