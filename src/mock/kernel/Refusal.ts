/** The kernel's no inside the model: thrown by its operations, turned into a service's own error by the layers. */
export class Refusal {
  /** The symbol: `EEXIST`. */
  readonly errno: string
  /** The kernel's own words, where it has any. */
  readonly extack: string | undefined

  constructor(errno: string, extack?: string) {
    this.errno = errno
    this.extack = extack
  }
}

/** Throws a refusal; `never`, so that what follows is known not to run. */
export const refuse = (errno: string, extack?: string): never => {
  throw new Refusal(errno, extack)
}
