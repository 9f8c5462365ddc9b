export const jsonFault = (text: string): string =>
  text.trim() === "" ? "unexpected end of JSON input" : "invalid JSON"
