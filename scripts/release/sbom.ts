/** npm's SBOM of what ships, without what differs each time that it is asked: the hour, and a random serial number. */
import { createHash } from "node:crypto"

interface Component {
  readonly "bom-ref": string
  readonly properties?: ReadonlyArray<{ readonly name: string; readonly value: string }>
}

interface CycloneDx {
  serialNumber: string
  metadata: { timestamp?: string }
  components?: ReadonlyArray<Component>
  dependencies?: ReadonlyArray<{ readonly ref: string; dependsOn?: ReadonlyArray<string> }>
}

const isDevelopment = ({ properties = [] }: Component): boolean =>
  properties.some(({ name, value }) => name === "cdx:npm:package:development" && value === "true")

/** npm 10 and 11 `--omit=dev` leave out what is needed to develop *too*, effect among it; so this goes by their marks. */
const withoutDevelopment = (document: CycloneDx): CycloneDx => {
  const development = new Set((document.components ?? []).filter(isDevelopment).map((one) => one["bom-ref"]))
  return {
    ...document,
    components: (document.components ?? []).filter((one) => !development.has(one["bom-ref"])),
    dependencies: (document.dependencies ?? [])
      .filter(({ ref }) => !development.has(ref))
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => !development.has(other)) }))
  }
}

/**
 * CycloneDX asks for a serial number that is the document's alone: a UUID made of the document's own hash is. A time it
 * does not ask for. `text` is what `npm sbom --sbom-format=cyclonedx` wrote.
 */
export const reproducibleSbom = (text: string): string => {
  const document = withoutDevelopment(JSON.parse(text) as CycloneDx)
  delete document.metadata.timestamp
  document.serialNumber = ""
  const digest = createHash("sha256").update(JSON.stringify(document)).digest()
  // RFC 9562: version 8 is for those who make it of something of their own.
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  const uuid = digest.toString("hex", 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
  document.serialNumber = `urn:uuid:${uuid}`
  return `${JSON.stringify(document, undefined, 2)}\n`
}
