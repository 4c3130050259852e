/** How often fast-check runs a property: the environment variable PROPERTY_RUNS, or `standard`. */
export function propertyRuns(standard = 200): { readonly numRuns: number } {
  const wanted = Number(process.env['PROPERTY_RUNS'])
  return { numRuns: Number.isSafeInteger(wanted) && wanted > 0 ? wanted : standard }
}
