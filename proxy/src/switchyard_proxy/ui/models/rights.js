// What the reader may do with models, by what the proxy says of the key. Only for what is offered: the proxy
// decides.

import { computed } from "../html.js";
import { facts } from "../store/live.js";

/** Whether models may be loaded, put to sleep, unloaded, and logs read. */
export const mayOperate = computed(() => ["operate", "admin"].includes(facts.value?.role));

/** Whether models.json may be changed. */
export const mayEdit = computed(() => facts.value?.role === "admin" && facts.value.editing);
