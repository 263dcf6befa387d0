--- Limits that several modules share.
local core = require "topaz.core"

local limits = {}

--- Calls begun and not yet answered, where a loop works off many: twice what the core has under way
-- at once over HTTP/2, so that it always knows the next one to send, however late the loop looks;
-- and few enough to cost nothing when the loop ends early.
limits.AHEAD = 200

--- Seconds for which the API keeps a status: no wait, and no estimate that makes sense, is longer.
limits.STATUS_LIFE = 7 * 86400

--- Statuses of a page at most, and so the fewest requests for a list.
limits.PAGE = core.page_max

--- Seconds that the core accepts as the timeout of one call.
limits.CALL_TIMEOUT = core.timeout_max

return limits
