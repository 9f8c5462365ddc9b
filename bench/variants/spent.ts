/** Milliseconds since they were last set to 0: what the kernel was given to do, by kind. */
export const spent = { sockets: 0, requests: 0 }
