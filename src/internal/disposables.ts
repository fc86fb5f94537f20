/**
 * Holds resources, and disposes of them in reverse order when it is disposed itself, also if one of them fails. The
 * built-in `AsyncDisposableStack` is missing before Node 24.
 */
export class Disposables implements AsyncDisposable {
  readonly #held: (AsyncDisposable | Disposable)[] = [];

  /** Adds a resource and returns it. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.#held.push(resource);
    return resource;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (const resource of this.#held.splice(0).reverse()) {
      try {
        if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
        else resource[Symbol.dispose]();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
