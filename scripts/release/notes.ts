/** A version's part of CHANGELOG.md: what stands between its heading and the next. */

/** Throws where the version has no heading, or nothing below it. */
export const notesOf = (changelog: string, version: string): string => {
  const parts = changelog.split(/^## /m).slice(1)
  const part = parts.find((text) => (text.split(/\s/, 1)[0] ?? "") === version)
  if (part === undefined) throw new Error(`CHANGELOG.md has no "## ${version}": write what is new in it`)
  const notes = part.slice(part.indexOf("\n") + 1).trim()
  if (notes === "") throw new Error(`CHANGELOG.md says nothing below "## ${version}"`)
  return `${notes}\n`
}
