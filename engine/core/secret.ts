// Node's name for it (util.inspect.custom), without loading node:util in every start.
const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * A value that must not be shown. Every way in which JavaScript turns a value into text prints `(secret)`;
 * only `reveal` gives it out, so each use can be found by that name.
 */
export class Secret<T extends string | Uint8Array = string> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  reveal(): T {
    return this.#value
  }

  toString(): string {
    return '(secret)'
  }

  toJSON(): string {
    return '(secret)'
  }

  [inspect](): string {
    return '(secret)'
  }
}
