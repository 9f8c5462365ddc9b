/**
 * A resource's name that no other run has. From it follow the ifindexes of its devices, and by those the machine's /dev,
 * which all runs share, tells who holds one.
 */
export const ownResource = (name: string): string => `${name}-${process.pid}`
