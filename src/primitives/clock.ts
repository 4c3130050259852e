/** Port: milliseconds UTC; `Date.now` fits. It stamps what is sent and never decides. */
export type Clock = () => number
