/** The worker of the smoke page: the whole script that an application needs. */

import { serveProver, type WebWorkerLike } from 'vitalseal/zk'

// Known to the compiler where it has the types of a browser.
serveProver(globalThis as unknown as WebWorkerLike)
