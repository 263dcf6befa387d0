---@meta topaz
-- The public interface with its types, for editors (LuaCATS) and for the reference that `make doc` builds. It runs nothing.
-- spec/docs/api_spec.lua compares it with the live module, the C sources and the README. `---@package` marks what may change at any time.
-- Examples begin with `topaz`, a `client`, the `id` of a job and a list of `ids` at hand, and run in the tests.
-- LONG: the whole interface, one text for editors and for the reference.
-- luacheck: ignore 211 212 241

---The statuses of image-processing jobs: read, followed and cleaned up. Failures outside your control (HTTP, network,
---timeouts, malformed responses) are returned as `nil, err`. Misuse raises at once, names the argument, and sends nothing.
---The examples have `topaz`, a `client`, the `id` of a job and a list of `ids` at hand.
---@class topaz
---@field version string the version of this module, such as "0.1.0"
---@field null lightuserdata represents null inside arrays of unknown members, and in what `topaz.options` gives; the same as `cjson.null`
---@field array_mt table the metatable of empty arrays that were decoded, so that `[]` is not taken for `{}`; `cjson.array_mt` where cjson has it
---@field core topaz.Core the C core
local topaz = {}

---Makes a client. Nothing is sent yet.
---
---Raises: an option is unknown, of the wrong type or out of its range; the key is missing. A table of options, here and elsewhere, whose
---metatable has `__index` or `__pairs` is refused: members that it adds would not be seen.
---```lua
---local short <close> = topaz.client { timeout = 20, max_rate = 5 } -- the key from $TOPAZ_API_KEY
---print(short)
---```
---@param options? topaz.ClientOptions
---@return topaz.Client client
function topaz.client(options) end

---Whether a status will not change any more.
---
---Raises: the argument is neither a status nor a word.
---```lua
---print(topaz.is_done "Failed", topaz.is_done { status = "Processing" })
---```
---@param status topaz.Status|topaz.StatusWord a status, or the word in its member `status`
---@return boolean is_done true for Completed, Cancelled and Failed; an unknown word does not count as finished
function topaz.is_done(status) end

---Decodes `options_json` of a status.
---
---Raises: the argument is not a status.
---```lua
---local options = topaz.options(assert(client:get_status(id)))
---if options then for name, value in pairs(options) do print(name, value) end end
---```
---@param status topaz.Status
---@return table|nil options the decoded options, integers exact, null members as `topaz.null`; nil when the status has none
---@return string|nil problem what is wrong with them, when they are not valid JSON, or neither an object nor an array
function topaz.options(status) end

---The C core. Its facts about itself are public; its other functions are for the modules of topaz.
---@class topaz.Core
---@field version string the version of the core, the same as `topaz.version`
---@field null lightuserdata the same as `topaz.null`
---@field libcurl topaz.Libcurl the libcurl that was loaded
---@field members topaz.Member[] the members of a status by the API's contract, in its order
---@field page_max integer statuses of a page at most
---@field timeout_max integer seconds that a call may be given as its timeout
local Core = {}

---Whether a value is a string that is a UUID, and so may be given to the calls.
---```lua
---print(topaz.core.is_process_id(id), topaz.core.is_process_id "7")
---```
---@param value any
---@return boolean is_process_id
function Core.is_process_id(value) end

---@package
function Core.client(options) end
---@package
function Core.set_wait(wait) end
---@package
function Core.set_share(share) end
---@package
function Core.is_open(client) end
---@package
function Core.pending(client) end
---@package
function Core.waiter(client) end
---@package
function Core.state(client) end
---@package
function Core.scheduler(client) end
---@package
function Core.random(client) end
---@package
function Core.fingerprint(client, text) end
---@package
function Core.wakeups(client) end
---@package
function Core.channel(client, options, on_news) end
---@package
function Core.is_host(text) end
---@package
function Core.end_channels(client) end
---@package
function Core.has_news(request) end
---@package
function Core.forget(request) end
---@package
function Core.join(client, other) end
---@package
function Core.part(client, other) end
---@package
function Core.client_methods() end
---@package
function Core.cursor_methods() end
---@package
function Core.options(options, rows, level) end
---@package
function Core.nearest(name, names) end
---@package
function Core.decode(text) end
---@package
function Core.array_mt(metatable) end
---@package
function Core.check_sum(text) end
---@package
function Core.error(members) end
---@package
function Core.uninterrupted(...) end
---@package
function Core.now() end
---@package
function Core.wall() end
---@package
function Core.on_event(client) end
---@package
function Core.terminal() end
---@package
function Core.is_terminal(descriptor) end
---@package
function Core.is_tty(descriptor) end
---@package
function Core.is_utf8() end
---@package
function Core.terminal_size() end
---@package
function Core.file_mode(path) end
---@package
function Core.signals() end
---@package
function Core.is_foreground() end
---@package
function Core.die_interrupted() end
---@package
function Core.start_process(arguments, input, output) end

---A member of a status.
---@class topaz.Member
---@field name string
---@field type string `string`, `integer` or `boolean`; a newer server may send another one, which is handed out as it came
---@field required boolean whether a status without it is a `protocol` error

---The libcurl that topaz uses, and its features.
---@class topaz.Libcurl
---@field version string such as "7.88.1"
---@field tls string the TLS library with its version, such as "OpenSSL/3.0.11"
---@field http2 boolean HTTP/2
---@field async_dns boolean names are resolved without blocking; without it `step(0)` may stall, and `require "topaz"` warns
---@field gzip boolean compressed responses: gzip
---@field brotli boolean compressed responses: brotli
---@field zstd boolean compressed responses: zstd

---A word of the API; later versions of it may have others.
---@alias topaz.StatusWord
---| "Pending"
---| "Processing"
---| "Completed"
---| "Cancelled"
---| "Failed"
---| string

---The status of a job, as the API gives it: a plain table. Integers are Lua integers, members that are null are absent, members that
---this version does not know are kept. Times are Unix seconds by the server's clock. Only `process_id` and `status` are sure to have
---their types: any other member is handed out as the server sent it, so check the type before you calculate with it. An integral float
---such as 42.0 becomes an integer where an integer belongs. A number too large for a float is infinite, as `1e999` is in Lua.
---@class topaz.Status
---@field process_id string the job's UUID
---@field source_id? string the source image's id
---@field filename? string the file's name
---@field input_format? string
---@field input_height? integer pixels
---@field input_width? integer pixels
---@field output_format? string
---@field output_height? integer pixels
---@field output_width? integer pixels
---@field category? string of the model
---@field model_type? string
---@field model? string
---@field crop_to_fill? boolean
---@field options_json? string JSON; `topaz.options` decodes it
---@field status topaz.StatusWord
---@field progress? integer per cent, 0 to 100
---@field eta? integer Unix seconds at which it should end
---@field creation_time? integer Unix seconds
---@field modification_time? integer Unix seconds
---@field credits? integer credits (to be) used

---The options of a client.
---@class topaz.ClientOptions
---@field api_key? string sent as the header `X-API-Key` and nowhere else (default: $TOPAZ_API_KEY)
---@field base_url? string `http://` only to this machine, unless `allow_insecure` (default: $TOPAZ_BASE_URL, else the production URL)
---@field timeout? number seconds, 0.001 to 86400 (default 120): the whole call, retries included; a list is not cut off while data keeps
---arriving, unless the call gave a `timeout` of its own
---@field connect_timeout? number seconds, 0.001 to 3600 (default 5): from the beginning of connecting until the request can be sent, all
---addresses of the name together; waiting for a free connection does not count
---@field attempt_timeout? number seconds, 0.001 to 3600 (default 30): one attempt, from its sending on; for lists: without progress
---@field max_retries? integer 0 to 100 (default 4): after the first attempt
---@field retry_base? number seconds, 0 to 60 (default 0.5): the n-th back-off is random in [0, base·2ⁿ]
---@field retry_cap? number seconds, 0 to 3600 (default 20): the longest back-off
---@field max_retry_after? number seconds, 0 to 86400 (default 60): a longer `Retry-After` fails the call at once, with `err.retry_after`;
---all other calls are held no longer than this, then one of them probes
---@field max_bytes? integer bytes, 1024 to 1e15 (default 67108864): of one page of `statuses` or `get_page`, after
---decompression; the response of a call for one record is limited to 4 MiB
---@field max_connections? integer 1 to 256 (default 8): requests in flight over HTTP/1.1; over HTTP/2 they are 100 streams; a list that is being
---read does not count
---@field max_rate? number requests a second, 0.001 to 1e6 (default: none): a ceiling; what was not sent for a moment may follow at once, at most a
---twentieth of a second of it
---@field http2? boolean (default true): offer HTTP/2 over TLS
---@field ca_file? string path of certificates (default: $CURL_CA_BUNDLE, else $SSL_CERT_FILE and $SSL_CERT_DIR, else libcurl's own), also
---of an https proxy; TLS is always verified
---@field proxy? string URL, "" for none (default: the environment's, and none for a base URL on this machine); on another machine it is refused for
---an `http://` base URL, unless `allow_insecure`
---@field user_agent? string (default: topaz-lua/… libcurl/…)
---@field allow_insecure? boolean (default false): `http://` to other machines, which sends the key unencrypted
---@field on_event? fun(event: topaz.Event) called from `step` for what happens (default: none); an error in it is raised by `step`
---@field scheduler? topaz.Scheduler the event loop to yield to: `require "topaz.scheduler.luv"`, `.copas` or `.cqueues` (default: none)
---@field headers? topaz.Headers sent with every request (default: none)
---@field share? string|topaz.ShareOptions Redis's URL, `redis://…` or `rediss://…` (default: $TOPAZ_SHARE, else none): many processes follow
---their jobs at the cost of one; with it `max_rate` is for all of them

---Headers of your own, `{ name = value }`: at most 32, 8 KiB together. A name is a token (RFC 9110) and a value has no control byte.
---Those that topaz must own are refused: `X-API-Key`, `Host`, `Connection`, `Content-Length`, `Accept`, `User-Agent` (see `user_agent`),
---`Range`, `If-…` and a few more. Nothing of topaz shows a value: not an error, not an event; words of 8 bytes or more that a
---server quotes become stars. No proxy gets them with CONNECT.
---@alias topaz.Headers table<string, string>

---The option `share` as a table.
---@class topaz.ShareOptions
---@field url string `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS
---@field name? string at most 200 bytes (default: ""): processes with other names share nothing
---@field role? "auto"|"follow" (default: auto); follow: this process never asks for the others
---@field ca_file? string path of certificates to trust for `rediss://` (default: what the client trusts)
---@field max_delay? number seconds above 0, 5 at least count (default: none): a job of this client that the farm has not looked at for
---so long is asked for by itself. In the whole farm ten such requests a second at most, and a quarter of a rate that limits it

---What `on_event` gets. A `task` event reports that a task has failed and nothing waits for it (`reason`: "failed"), a `share` event
---that the client has another role in its farm (`reason`: "lead", "follow" or "alone"): only their members `type`, `reason`, `message`,
---`time` and `clock` have a meaning.
---@class topaz.Event
---@field type "request"|"response"|"retry"|"throttle"|"task"|"share"
---@field operation string the call, such as "get_status"; "task"; "share"
---@field time number when it happened: Unix seconds of this machine's clock, with a fraction
---@field clock number the same on a clock that nothing sets: only differences have a meaning
---@field call integer the call's number in its client; each attempt of a call has the same
---@field attempt integer 1 for the first
---@field seconds number since the attempt began
---@field delay number seconds until the retry, or the pause of the client
---@field bytes integer of the response so far
---@field reason? string why it is tried again, or failed
---@field process_id? string
---@field http_status? integer
---@field request_id? string the id that the server gave the request
---@field message? string the error of a task; why the role is another one

---An error object: a failure outside your control. `tostring(err)` is one line. The key is never in it.
---@class topaz.Error
---@field kind topaz.ErrorKind
---@field message string
---@field operation string the call that failed
---@field http_status? integer
---@field code? integer the member `code` of the server's error
---@field process_id? string
---@field retry_after? number seconds, where the server said so
---@field request_id? string the id that the server gave the request
---@field attempts? integer how many were made
---@field outcome? "unsent"|"unknown" unsent: nothing was sent; unknown: the DELETE may have taken effect
---@field status? topaz.Status the last one seen, of `wait_until_done`
---@field statuses? table<string, topaz.Status> the finished ones, of `wait_all`

---What went wrong.
---@alias topaz.ErrorKind
---| "bad_request"
---| "unauthorized"
---| "forbidden"
---| "not_found"
---| "conflict"
---| "rate_limited"
---| "server_error"
---| "unexpected_status"
---| "timeout"
---| "network"
---| "tls"
---| "protocol"
---| "too_large"
---| "cancelled"
---| "closed"

---Options of a single call.
---@class topaz.CallOptions
---@field timeout? number seconds, 0.001 to 86400 (default: the client's)
---@field headers? topaz.Headers sent with this call, over the client's of the same names (default: none)

---Options of `client:get_page`.
---@class topaz.PageOptions
---@field limit? integer 1 to 100 (default 50)
---@field cursor? string `pagination.next_cursor` of the page before (default: none, the first page)
---@field timeout? number seconds, 0.001 to 86400 (default: the client's)
---@field headers? topaz.Headers sent with this call, over the client's of the same names (default: none)

---One page of the list.
---@class topaz.Page
---@field data topaz.Status[]
---@field pagination topaz.Pagination

---Where the list continues.
---@class topaz.Pagination
---@field has_next_page boolean
---@field next_cursor? string

---What a member that is an integer may be. A record in which the member is absent or not a number passes only where `except` stands alone.
---@class topaz.Range
---@field min? number this or more
---@field max? number this or less
---@field above? number more than this
---@field below? number less than this
---@field older_than? number seconds before now by the server's clock; for `creation_time` and `modification_time`
---@field newer_than? number seconds before now by the server's clock; for `creation_time` and `modification_time`
---@field except? number|number[] none of these

---What a member that is a string or a boolean may not be. A record in which the member is absent or of another type passes.
---@class topaz.Except
---@field except string|string[]|table<string, boolean>|boolean|boolean[]

---Which records a list gives. Members that are strings, and what they may be: `{ status = "Failed" }`, `{ model = { "A", "B" } }`,
---`{ process_id = { [id] = true } }`, or what they may not be: `{ model = { except = "A" } }`. Members that are integers: a number,
---a list of numbers, or a range: `{ progress = { min = 50, below = 100 } }`, `{ modification_time = { older_than = 3600 } }`. Numbers
---are compared exactly, however large. Members that are booleans: `{ crop_to_fill = true }`.
---@alias topaz.Where table<string, string|string[]|table<string, boolean>|topaz.Except|number|number[]|topaz.Range|boolean|boolean[]>

---Options of `client:statuses`.
---@class topaz.StatusesOptions
---@field limit? integer 1 to 100 (default 100): statuses a page
---@field cursor? string begin at this page (default: none)
---@field paginated? boolean (default true): false asks for one array of everything, decoded as it arrives, in flat memory
---@field prefetch? integer 0 to 1 (default 1): pages fetched ahead
---@field fields? string[] build only these members, and `process_id` always (default: all)
---@field where? topaz.Where what members may be (default: none); other records are dropped before a table exists
---@field resume? string a list token, from `cursor:token()`, also of another process (default: none)
---@field max_bytes? integer bytes, 1024 to 1e15 (default: the client's; none for `paginated = false`)
---@field headers? topaz.Headers sent with each page, over the client's of the same names (default: none)

---Options of `client:wait_until_done`.
---@class topaz.WaitOptions
---@field timeout? number seconds, 0 to 604800 (default 900)
---@field on_progress? fun(status: topaz.Status, previous?: topaz.Status) called on changes (default: none)
---@field headers? topaz.Headers sent with each poll, over the client's of the same names (default: none)

---Options of `client:watch`, `client:wait_all` and `client:wait_any`.
---@class topaz.WatchOptions
---@field timeout? number seconds, 0 to 604800 (default 3600): from the first call of the watcher on; calling it again continues
---@field on_progress? fun(status: topaz.Status, previous?: topaz.Status) called when a job's status or progress changes (default: none)
---@field resume? string a watch token, from `watcher:token()`, also of another process (default: none)
---@field headers? topaz.Headers sent with each request, over the client's of the same names (default: none)

---Options of `client:delete_finished`.
---@class topaz.CleanupOptions
---@field older_than? number seconds, 0 to 1e9 (default 0): since the status was last modified, by the server's clock and by this
---machine's; so a wrong clock that is ahead deletes nothing too early
---@field newer_than? number seconds, 0 to 1e9 (default: none): at most so long since the status was last modified, by both clocks
---@field where? topaz.Where what other members may be (default: none); `status` and `modification_time` have options of their own, and ages in
---`creation_time` are by both clocks too
---@field status? string|string[] Completed, Cancelled, Failed (default { "Completed" })
---@field dry_run? boolean (default false): counts, and deletes nothing
---@field on_progress? fun(report: topaz.CleanupReport) called as it goes (default: none)
---@field headers? topaz.Headers sent with each request, over the client's of the same names (default: none)

---What `client:delete_finished` did.
---@class topaz.CleanupReport
---@field matched integer statuses that were chosen; the next four add up to it when nothing ended it early
---@field deleted integer
---@field already_gone integer
---@field refused integer responses of 409: the job still runs
---@field failed integer
---@field errors topaz.CleanupError[] the first 100 of the refused and failed ones
---@field stopped? topaz.Error the error that ended it early
---@field incomplete? boolean true when it ended early: there may be more to delete

---A status that was not deleted; with `error.outcome == "unknown"` it may have been.
---@class topaz.CleanupError
---@field process_id string
---@field error topaz.Error

---Asks the API. In a task, and in a coroutine of its scheduler, calls yield; anywhere else they block, in a coroutine inside a task too.
---A task may use another client: it waits without blocking its own, whose `step` then steps both.
---Closing it, `<close>` and the collector end what is under way: those calls return `nil` and an error object of kind "closed". A call
---that begins after that raises the object; only `close` may be called again.
---@class topaz.Client
local Client = {}

---Reads one status.
---
---Gives an error of kind "not_found" when the server does not know the job. Raises: the id is not a UUID.
---```lua
---local status, err = client:get_status(id, { timeout = 10 })
---print(status and status.progress or err)
---```
---@param process_id string a UUID
---@param options? topaz.CallOptions
---@return topaz.Status|nil status
---@return topaz.Error|nil err
function Client:get_status(process_id, options) end

---Reads exactly one page of the list.
---```lua
---local page = assert(client:get_page { limit = 10 })
---while page.pagination.has_next_page do
---   page = assert(client:get_page { limit = 10, cursor = page.pagination.next_cursor })
---end
---```
---@param options? topaz.PageOptions
---@return topaz.Page|nil page
---@return topaz.Error|nil err
function Client:get_page(options) end

---Iterates over all statuses. Pages are requested as they are needed, the next one ahead; nothing is sent before the first turn of
---the loop. A failure is raised as the error object, and the cursor may be called again. `break` cancels what was fetched ahead.
---
---The list may change meanwhile: a status that stays in it is never missed, and comes once within two neighbouring pages.
---
---Raises: `fields` or `where` names an unknown member; `resume` is not a list token.
---```lua
---for status in client:statuses { where = { status = "Failed" }, fields = { "filename" } } do
---   print(status.process_id, status.filename)
---end
---```
---@param options? topaz.StatusesOptions
---@return topaz.Cursor cursor to be called in a `for` loop, of which it also is the closing value
function Client:statuses(options) end

---Deletes one status.
---
---Gives an error of kind "conflict" while its job runs. With `err.outcome == "unknown"` it may have been deleted.
---```lua
---local ok, how = client:delete_status(id)
---print(ok and (how or "deleted") or "not deleted: " .. tostring(how))
---```
---@param process_id string a UUID
---@param options? topaz.CallOptions
---@return true|nil ok
---@return "already_gone"|topaz.Error|nil how "already_gone": an earlier attempt, whose response was lost, has deleted it
function Client:delete_status(process_id, options) end

---Deletes every status of the account. It is sent again only when certainly nothing was sent, or on 429: a repeat could
---delete statuses made in between.
---
---Raises: the options are an empty table, or name anything but `timeout` and `headers`: no filter exists.
---```lua
---local count, how = client:delete_all_statuses()
---print(count, how)
---```
---@param options? topaz.CallOptions
---@return integer|true|nil count how many; true with "count_unknown" when the response broke after its status line
---@return "count_unknown"|topaz.Error|nil how
function Client:delete_all_statuses(options) end

---Waits until a job is finished. The first poll is never deferred; then it polls after up to 1 s, which grows by half to 15 s and is
---1 s again after a change. The job's `eta` adjusts a delay within these bounds. Transient failures (network, timeout, 429, 5xx) do
---not end the wait.
---
---Gives an error of kind "timeout" after `timeout` seconds; the job keeps running. Raises: the id is not a UUID.
---```lua
---local status, err = client:wait_until_done(id, { timeout = 60, on_progress = function(now) print(now.progress) end })
---print(status and status.status or err)
---```
---@param process_id string a UUID
---@param options? topaz.WaitOptions
---@return topaz.Status|nil status the last one; Failed and Cancelled are results, not errors
---@return topaz.Error|nil err `err.status` is the last status seen
function Client:wait_until_done(process_id, options) end

---Iterates over jobs as they finish, each once. It reads pages of the list or requests single jobs, whichever costs fewer requests:
---at once, then every 1 to 4.5 s, sooner after changes, later where a round costs many requests.
---
---A job that the server does not know comes as its last status, or `{ process_id = id }`, with an error of kind "not_found" as second
---value. Transient failures (network, timeout, 429, 5xx) do not end the loop. Raises in the loop: an error object of kind "timeout"
---after `timeout` seconds, or of any other failure. The watcher may be called again after each of them.
---```lua
---for status, gone in client:watch(ids, { timeout = 60 }) do
---   print(status.process_id, gone or status.status)
---end
---```
---@param ids string[]|string|nil UUIDs, or one; nil only with `resume`
---@param options? topaz.WatchOptions
---@return topaz.Watcher watcher to be called in a `for` loop, of which it also is the closing value
function Client:watch(ids, options) end

---Waits until all jobs are finished.
---```lua
---local statuses = assert(client:wait_all(ids, { timeout = 60 }))
---for process_id, status in pairs(statuses) do print(process_id, status.status or status) end
---```
---@param ids string[]|string|nil UUIDs, or one; nil only with `resume`
---@param options? topaz.WatchOptions
---@return table<string, topaz.Status|topaz.Error>|nil statuses by id; an error object of kind "not_found" for a job that the server does not know
---@return topaz.Error|nil err `err.statuses` has the finished ones
function Client:wait_all(ids, options) end

---Waits until one of the jobs is finished. A job that the server does not know counts only when no other one is left.
---
---Raises: the list is empty.
---```lua
---print(assert(client:wait_any(ids)).process_id)
---```
---@param ids string[]|string|nil UUIDs, or one; nil only with `resume`
---@param options? topaz.WatchOptions
---@return topaz.Status|nil status
---@return topaz.Error|nil err
function Client:wait_any(ids, options) end

---Deletes the statuses of finished jobs while the list is still being read, several at a time; no status twice. A list of several
---pages is read again until a reading leads to no deletion, since a server may skip records while others are deleted.
---```lua
---local report = client:delete_finished { older_than = 2 * 86400, status = { "Completed", "Failed" }, dry_run = true }
---print(report.matched .. " would go")
---```
---@param options? topaz.CleanupOptions
---@return topaz.CleanupReport report in any case
---@return topaz.Error|nil err what ended it early (`report.stopped`): 401, 403, an unreadable list, 20 failures in a row, or the caller
function Client:delete_finished(options) end

---Waits without blocking other tasks. It ends early when the machine was suspended meanwhile.
---```lua
---assert(client:sleep(0.1))
---```
---@param seconds number 0 or more
---@return true|nil ok
---@return topaz.Error|nil err of kind "cancelled" or "closed" when the task was cancelled or the client closed meanwhile
function Client:sleep(seconds) end

---Begins a task: `fn` runs as a coroutine, in which the client's calls yield. It takes its first turn in the next `step`. A
---`coroutine.yield()` of its own gives up its turn until the next `step`. When the task has been cancelled or its client closed, that
---ends it there: its to-be-closed variables are closed, and its result is the error.
---```lua
---local task = client:spawn("wait_until_done", id)
---local other = client:spawn(function() return client:get_page { limit = 1 } end)
---print(task:await().status, #other:await().data)
---```
---@param fn function|string a function, or the name of one of the client's methods
---@param ... any its arguments
---@return topaz.Task task
function Client:spawn(fn, ...) end

---Steps until no task is left.
---```lua
---client:spawn("get_status", id)
---local failed, err = client:run()
---assert(failed == 0, err)
---```
---@return integer failed how many tasks failed without their result being read, since `run` was called last
---@return any err one of those errors; the first 100 failed tasks are kept for it
function Client:run() end

---Begins a call without waiting for it; `step` drives it.
---
---Raises: the name is not one of the four calls; what the call itself raises.
---```lua
---local call = client:start("get_status", id)
---repeat client:step(0.1) until call:done()
---print(call:result())
---```
---@param operation "get_status"|"get_page"|"delete_status"|"delete_all_statuses"
---@param ... any what the method of that name takes
---@return topaz.Call call
function Client:start(operation, ...) end

---Advances all that is under way and runs the tasks that can continue.
---```lua
---client:spawn("get_status", id)
---repeat local requests, tasks = client:step(0, 0.004) until requests + tasks == 0 -- a game does this once a frame
---```
---@param timeout? number seconds to wait at most for something to happen (default 0: returns at once); `math.huge`: as long as anything is under way
---@param budget? number seconds of work at most (default: no limit); what is left is done in the next steps, one task at least in each
---@return integer requests under way
---@return integer tasks that still run
---@return boolean|nil over_budget with a budget: whether it was used up and work is left
function Client:step(timeout, budget) end

---The descriptor to poll for reading: when it is readable, `step` has something to do. One for all connections.
---```lua
---print(client:pollfd(), client:events(), client:timeout())
---```
---@return integer|nil descriptor nil where the system has none: then call `step` every few milliseconds
function Client:pollfd() end

---What to poll the descriptor for.
---```lua
---assert(client:events() == "r")
---```
---@return "r" events
function Client:events() end

---Seconds until `step` has something to do even if the descriptor stays silent.
---```lua
---local call = client:start("get_status", id)
---repeat client:step(client:timeout() or 1) until call:done()
---```
---@return number|nil seconds nil: never
function Client:timeout() end

---Counters since the client was made.
---```lua
---client:get_status(id)
---print(client:stats().attempts)
---```
---@return topaz.Stats stats
function Client:stats() end

---Ends everything that is under way: calls and waits give an error of kind "closed". Tasks run on with it until they end, yield by
---`coroutine.yield()`, which ends them there, or wait again, which raises the error. May be called again.
---```lua
---client:close()
---```
function Client:close() end

---What `client:stats()` gives.
---@class topaz.Stats
---@field calls integer begun
---@field attempts integer begun
---@field retries integer
---@field throttled integer responses of 429
---@field failures integer calls that gave an error
---@field bytes integer of responses
---@field connections integer opened so far
---@field pending integer requests under way
---@field active integer of these: those sent and not yet answered
---@field retry_tokens integer what is left of the budget for retries, 100 at most
---@field rate? number requests a second that the pacer allows, while it holds back
---@field hold? number seconds in which nothing is sent, after a 429
---@field clock_skew? number seconds by which the server's clock is ahead, by the `Date` of the last success
---@field http2 boolean whether the server speaks HTTP/2
---@field events_dropped integer events that came faster than `step` was called
---@field share? topaz.ShareStats where the option `share` is set

---The farm as this client sees it.
---@class topaz.ShareStats
---@field role "joining"|"lead"|"follow"|"alone" joining: it watches nothing, or Redis has not answered yet
---@field members integer how many watch, as Redis has said last
---@field epoch integer the number of the leader's term
---@field changes integer how often the role has changed
---@field rate? number requests a second that the farm may send, while something limits it

---An iterator over statuses.
---@class topaz.Cursor
---@overload fun(): topaz.Status|nil
local Cursor = {}

---Iterates page by page: lists of up to 100 statuses. Empty pages are left out. A page that cannot be read to its end is raised as the
---error, and given whole when the iterator is called again.
---```lua
---for page in client:statuses():pages() do print(#page) end
---```
---@return fun(): topaz.Status[]|nil iterator
function Cursor:pages() end

---A list token: plain text that resumes after the last status, with `client:statuses { resume = token }`; of `pages()`, after the last
---page. It holds no key. If that status is gone by then, the eight before it mark the place; if those are gone too, its page comes
---again.
---```lua
---local cursor <close> = client:statuses { limit = 10 }
---print(cursor().process_id)
---local token = cursor:token()
---for status in client:statuses { resume = token } do print(status.process_id) end
---```
---@return string token
function Cursor:token() end

---Cancels what was fetched ahead; the cursor then gives an error of kind "closed". May be called again.
---```lua
---local cursor = client:statuses()
---cursor:close()
---```
function Cursor:close() end

---@package
function Cursor:in_page() end

---A call that was begun with `client:start`.
---@class topaz.Call
local Call = {}

---Says whether the result is there: then `result` does not wait.
---```lua
---print(client:start("get_status", id):done())
---```
---@return boolean done
function Call:done() end

---Waits for the result.
---```lua
---local first, second = client:start("get_status", ids[1]), client:start("get_status", ids[2])
---print(first:result(), second:result()) -- both were under way at once
---```
---@return any ... what the call of that name returns
function Call:result() end

---Cancels it; the result is then an error of kind "cancelled".
---```lua
---local call = client:start("get_status", id)
---call:cancel()
---print(select(2, call:result()).kind)
---```
function Call:cancel() end

---Returns a number that no other call of the client has.
---```lua
---print(client:start("get_status", id):id())
---```
---@return integer id
function Call:id() end

---A coroutine that a client runs.
---@class topaz.Task
local Task = {}

---Says whether its function has ended.
---```lua
---local task = client:spawn(function() return 42 end)
---repeat client:step(0.1) until task:done()
---```
---@return boolean done
function Task:done() end

---Returns what its function returned. Raises what the function raised, and a misuse error while it still runs.
---```lua
---local task = client:spawn(function() return 42 end)
---client:run()
---assert(task:result() == 42)
---```
---@return any ...
function Task:result() end

---Waits until it has ended, then gives what `result` gives.
---```lua
---print(client:spawn("get_status", id):await().status)
---```
---@return any ...
function Task:await() end

---Ends what it waits for, at once, with an error of kind "cancelled". Each later wait raises that error, and a `coroutine.yield()` of
---its own ends the task there.
---```lua
---local task = client:spawn("wait_until_done", id)
---task:cancel()
---print(select(2, task:await()).kind)
---```
function Task:cancel() end

---Gives jobs as they finish.
---@class topaz.Watcher
---@overload fun(): topaz.Status|nil, topaz.Error|nil
local Watcher = {}

---Adds jobs, in the loop or from another task. A job that was watched already is not watched twice.
---```lua
---local watcher <close> = client:watch { ids[1] }
---print(watcher:add { ids[1], ids[2] }) --> 1
---```
---@param ids string[]|string
---@return integer count how many are new
---@return topaz.Error|nil err of kind "cancelled" or "closed" when the watcher or its client was closed: nothing was added
function Watcher:add(ids) end

---Forgets jobs that the loop has not given yet. When no other job is left the loop ends at once.
---```lua
---local watcher <close> = client:watch(ids)
---print(watcher:remove(ids[1])) --> 1
---```
---@param ids string[]|string
---@return integer count how many were watched
function Watcher:remove(ids) end

---Takes what a webhook has brought as a hint that a job may have changed. It proves nothing, since anything may send one: the watcher asks
---for that job soon, by a request like all others, and what the server says counts. May be called in the loop, from other tasks and from
---callbacks; it sends nothing itself.
---
---The cost is bounded, whatever is offered: a job is asked for at most once in 5 seconds because of hints, all jobs together 20 times a
---second. A hint that comes too early waits. Several for one job count as one.
---
---Raises: the argument is neither a string nor a table.
---```lua
---local watcher <close> = client:watch(ids)
---print(watcher:offer(('{"process_id":"%s","status":"Completed"}'):format(ids[1]))) --> true
---print(watcher:offer "forged")                                                    --> false not_a_status
---```
---@param body string|table the JSON text of a status, at most 64 KiB, or a table; of its members only `process_id` counts
---@return boolean|nil used whether the job will be asked for; nil when the watcher or its client was closed
---@return topaz.OfferProblem|topaz.Error|nil problem why not; an error object of kind "cancelled" or "closed" with nil
function Watcher:offer(body) end

---Says how far the jobs are, from the statuses seen last. Sends nothing.
---```lua
---local watcher <close> = client:watch(ids)
---watcher()
---print(("%d of %d"):format(watcher:progress().done, watcher:progress().total))
---```
---@return topaz.WatchProgress progress
function Watcher:progress() end

---Returns the last statuses of the jobs that are not finished. Sends nothing.
---```lua
---local watcher <close> = client:watch(ids)
---watcher()
---for _, status in ipairs(watcher:statuses()) do print(status.process_id, status.progress) end
---```
---@return topaz.Status[] statuses
function Watcher:statuses() end

---Counts the jobs that the loop has not given yet.
---```lua
---local watcher <close> = client:watch(ids)
---assert(watcher:pending() == #ids)
---```
---@return integer pending
function Watcher:pending() end

---A watch token: plain text that names the jobs still to come, for `client:watch(nil, { resume = token })`. It holds no key, and has 32
---bytes a job.
---```lua
---local watcher <close> = client:watch(ids)
---for status in client:watch(nil, { resume = watcher:token() }) do print(status.process_id) end
---```
---@return string token
function Watcher:token() end

---Ends the watching at once, also for a task that waits in the loop; the watcher then gives an error of kind "cancelled". The jobs go
---on.
---```lua
---local watcher = client:watch(ids)
---watcher:cancel()
---```
function Watcher:cancel() end

---The same as `cancel`.
---```lua
---local watcher = client:watch(ids)
---watcher:close()
---```
function Watcher:close() end

---Why `watcher:offer()` does not use a hint: it is not JSON of an object with a UUID as `process_id`; longer than 64 KiB; the job is not
---watched; it is known to be finished, or gone.
---@alias topaz.OfferProblem
---| "not_a_status"
---| "too_large"
---| "not_watched"
---| "finished"

---What `watcher:progress()` gives.
---@class topaz.WatchProgress
---@field total integer jobs
---@field done integer finished ones
---@field gone integer not known to the server
---@field by_status table<string, integer> counts by word; a job not seen yet is in none
---@field mean_progress number per cent, 0 to 100; finished jobs count as 100
---@field seconds_left? number estimated, until the last one is finished

---An event loop, as the adapters give it: `require "topaz.scheduler.luv"`, `"topaz.scheduler.cqueues"` or `"topaz.scheduler.copas"`.
---@class topaz.Scheduler
local Scheduler = {}

---@package
function Scheduler.current(self) end
---@package
function Scheduler.suspend(self, thread) end
---@package
function Scheduler.resume(self, thread) end
---@package
function Scheduler.attend(self, client) end
---@package
function Scheduler.leave(self, client) end

return topaz
