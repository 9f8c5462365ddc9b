/** What Schema finds wrong with a document, in a line. */

/** `Expected string, got 7 at ["containerId"]`. */
export const faultOf = ({ message }: { readonly message: string }): string => message.replaceAll(/\s*\n\s*/g, " ")
