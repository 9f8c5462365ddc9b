/** As much of Bun's types as the build uses; Bun's own package of types would change Node's everywhere. */
interface Build {
  readonly onResolve: (
    options: { readonly filter: RegExp; readonly namespace?: string },
    resolve: (asked: { readonly path: string; readonly importer: string }) => {
      readonly path: string
      readonly namespace?: string
    }
  ) => void
  readonly onLoad: (
    options: { readonly filter: RegExp; readonly namespace?: string },
    load: (file: { readonly path: string }) => { readonly contents: string; readonly loader: "ts" | "js" }
  ) => void
}

export interface Plugin {
  readonly name: string
  readonly setup: (build: Build) => void
}

interface BuildOptions {
  readonly entrypoints: ReadonlyArray<string>
  readonly target: "bun"
  readonly minify: boolean
  readonly bytecode?: boolean
  readonly format: "esm" | "cjs"
  readonly splitting: boolean
  readonly sourcemap: "none"
  readonly define: Readonly<Record<string, string>>
  readonly compile?: {
    readonly target: string
    readonly executablePath: string
    readonly outfile: string
    readonly execArgv: ReadonlyArray<string>
    /** Multiplies the number of runs after which code is compiled; 1 is Bun's own. */
    readonly jitPolicy: number
    readonly autoloadDotenv: boolean
    readonly autoloadBunfig: boolean
    readonly autoloadTsconfig: boolean
    readonly autoloadPackageJson: boolean
  }
  readonly plugins: ReadonlyArray<Plugin>
}

type Foreign = (...args: ReadonlyArray<number | bigint | NodeJS.TypedArray | null>) => number

/** https://bun.com/docs/runtime/ffi; `Bun.FFI` answers with the error instead of throwing it. */
export interface Ffi {
  readonly dlopen: (
    library: string,
    functions: Readonly<Record<string, { readonly args: ReadonlyArray<string>; readonly returns: string }>>
  ) => { readonly symbols: Readonly<Record<string, Foreign>> } | Error
  readonly read: { readonly i32: (address: number, offset: number) => number }
}

/** https://bun.com/docs/bundler: rejects with an AggregateError where the sources do not bundle. */
interface BunGlobal {
  readonly build: (options: BuildOptions) => Promise<{
    readonly outputs: ReadonlyArray<{ readonly path: string; readonly text: () => Promise<string> }>
  }>
  /** Not documented: what the module bun:ffi is made of. */
  readonly FFI?: Ffi
}

export const Bun = (globalThis as unknown as { readonly Bun: BunGlobal }).Bun
