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
    readonly autoloadDotenv: boolean
    readonly autoloadBunfig: boolean
    readonly autoloadTsconfig: boolean
    readonly autoloadPackageJson: boolean
  }
  readonly plugins: ReadonlyArray<Plugin>
}

/** https://bun.com/docs/bundler: rejects with an AggregateError where the sources do not bundle. */
interface BunGlobal {
  readonly build: (options: BuildOptions) => Promise<{
    readonly outputs: ReadonlyArray<{ readonly path: string; readonly text: () => Promise<string> }>
  }>
}

export const Bun = (globalThis as unknown as { readonly Bun: BunGlobal }).Bun
