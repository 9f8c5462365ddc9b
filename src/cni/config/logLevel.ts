/** How much is logged: four levels, and the words that configurations of multus have for them. */
export type LogLevel = "debug" | "info" | "warning" | "error"

const words: Readonly<Record<string, LogLevel>> = {
  debug: "debug",
  verbose: "info",
  info: "info",
  warn: "warning",
  warning: "warning",
  error: "error",
  panic: "error"
}

/** Case does not matter. */
export const parseLogLevel = (text: string): LogLevel | undefined => {
  const word = text.toLowerCase()
  return Object.hasOwn(words, word) ? words[word] : undefined
}

export const logLevelWords = "one of debug, info, warning, error"
