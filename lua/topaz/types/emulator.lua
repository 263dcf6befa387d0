---@meta topaz.emulator
-- The public interface of topaz.emulator; see types/topaz.lua.
-- luacheck: ignore 211 212 241

---An emulator of the API: a real nginx on loopback that answers in Lua, for tests, demos and
---benchmarks. `require "topaz.emulator"`. It has jobs that change over
---time, the real clock or one that changes on command, faults on request, and a request log.
---@class topaz.emulator
local emulator = {}

---Starts an emulator, in some 50 ms. It ends with `stop`, with the variable that is `<close>`, with
---the collector, and soon after the process that started it has ended.
---
---Raises: an unknown option; the text of nginx's error log when nginx does not start.
---```lua
---local emulator <close> = require("topaz.emulator").start { jobs = 24, clock = "virtual" }
---local client <close> = topaz.client { api_key = emulator.key, base_url = emulator.url }
---for status in client:statuses() do print(status.process_id, status.status) end
---```
---@param options? topaz.EmulatorOptions
---@return topaz.Emulator emulator
function emulator.start(options) end

---Options of `emulator.start`.
---@class topaz.EmulatorOptions
---@field clock? "real"|"virtual" (default: real); a virtual clock changes only by `advance`
---@field time? number Unix seconds (default 1760000000) at which a virtual clock starts
---@field skew? number seconds (default 0) by which the service's clock is ahead of the machine's, in jobs and in the header `Date`
---@field jobs? integer|topaz.EmulatorJobs|topaz.EmulatorJobs[] as for `add_jobs` (default: none)
---@field timeline? topaz.EmulatorTimeline the life of jobs that are added with neither status nor timeline (default: none)
---@field seed? integer (default 1): another one gives other ids; the ids are the same at each run
---@field key? string the API key that is accepted (default: emulator-api-key)
---@field forbidden_key? string the API key that is answered with 403 (default: emulator-forbidden-key)
---@field latency? number seconds (default 0) before every response
---@field rate_limit? topaz.EmulatorRateLimit requests above it are answered with 429 (default: none)
---@field gzip? boolean (default false): compress for clients that accept it
---@field tls? topaz.EmulatorCertificate (default false): serve https as well, with this certificate
---@field protocols? "h2,http/1.1"|"http/1.1" what `tls_url` offers by ALPN (default: h2,http/1.1)
---@field tls_versions? string (default: TLSv1.2 TLSv1.3)
---@field keepalive_timeout? number seconds (default 75) after which an idle connection is closed
---@field keepalive_requests? integer (default 1000): a connection ends after so many, by `Connection: close` or GOAWAY
---@field streams? integer HTTP/2 streams at once on a connection (default 128)
---@field port? integer of `url`, with `tls` of `tls_url` (default: a free one)
---@field idle_limit? number seconds (default 900) without any request after which it ends by itself; 0: never
---@field log_limit? integer requests that the log holds (default 20000); the counts have no limit
---@field nginx? string the program (default: nginx)

---The certificate of a server: false for none, true or "good" for one that is good for localhost,
---127.0.0.1, 127.0.0.2 and *.example.test, or one that a client must refuse.
---@alias topaz.EmulatorCertificate boolean|"good"|"wrong_host"|"expired"|"self_signed"

---A rate limit, as of nginx's `limit_req`.
---@class topaz.EmulatorRateLimit
---@field rate string such as "50r/s"
---@field burst? integer requests above the rate that are still answered (default 0)

---The life of a job. Seconds are a number, or a list of the least and the most, over which the jobs
---are spread.
---@class topaz.EmulatorTimeline
---@field pending? number|number[] seconds (default 0) until it is being processed
---@field processing? number|number[] seconds (default 0) until it is finished
---@field outcome? string|string[] Completed, Failed or Cancelled, a list in turn (default: Completed)
---@field last_progress? integer per cent at which a job that does not complete stops

---A job to add, or several that are alike. Any member of a status is allowed here too, and is put in
---place of the emulator's.
---@class topaz.EmulatorJobs
---@field count? integer that many (default 1)
---@field status? string|string[] the job keeps this status; a list in turn (default without a timeline: Completed)
---@field timeline? topaz.EmulatorTimeline the job's life, which begins when it is added
---@field age? number seconds since the last one began (default 60); with a timeline, since the first one began (default 0)
---@field spacing? number seconds by which each next job began later (default: up to 1; with a timeline 0, and it appears then)
---@field creation_time? number Unix seconds
---@field process_id? string of a single job
---@field fields? table<string, any> members of any name and their values
---@field raw_fields? table<string, string> members and their JSON texts
---@field remove? string[] members to leave out
---@field floats? boolean (default false): write the integers as floats, such as 42.0
---@field raw? string the JSON text of the whole record

---The kind of a request, by its method and path.
---@alias topaz.EmulatorKind "list"|"one"|"delete_one"|"delete_all"|"other"

---A running emulator.
---@class topaz.Emulator
---@field url string the base URL, "http://127.0.0.1:PORT/image/v1"
---@field key string the API key that is accepted
---@field forbidden_key string the API key that is answered with 403
---@field ids? string[] of the option `jobs`
---@field tls_url? string with `tls`: "https://localhost:PORT/image/v1", HTTP/2 and HTTP/1.1
---@field http1_url? string with `tls`: the same service on a port that offers HTTP/1.1 alone
---@field ca_file? string with `tls`: the certificates to trust
---@field address string "127.0.0.1:PORT" of `url`, for the map of a proxy
---@field tls_address? string the same of `tls_url`
---@field http1_address? string the same of `http1_url`
---@field pid integer of nginx
---@field dir string its folder, with its configuration and its error log
local Emulator = {}

---Stops the emulator and removes its folder. May be called again.
---```lua
---local emulator = require("topaz.emulator").start()
---emulator:stop()
---```
function Emulator:stop() end

---Returns whether the emulator still runs: it was not stopped and has not ended by itself.
---```lua
---local emulator <close> = require("topaz.emulator").start()
---assert(emulator:running())
---```
---@return boolean running
function Emulator:running() end

---Resets the emulator: no jobs, no faults, an empty log, the clock as at the start. Connections
---stay open.
---```lua
---local emulator <close> = require("topaz.emulator").start { jobs = 24 }
---emulator:reset()
---assert(#emulator:jobs() == 0)
---```
function Emulator:reset() end

---Adds jobs.
---```lua
---local emulator <close> = require("topaz.emulator").start()
---emulator:add_jobs(10)
---emulator:add_jobs { count = 40, status = { "Completed", "Failed" }, age = 86400, spacing = 60 }
---local ids = emulator:add_jobs {
---   { filename = "a.png", timeline = { processing = { 5, 60 }, outcome = "Failed" } },
---   { status = "Processing", progress = 42, fields = { new_member = true } },
---}
---print(ids[1])
---```
---@param jobs integer|topaz.EmulatorJobs|topaz.EmulatorJobs[] a count, or what to add
---@return string[] ids in the order given
function Emulator:add_jobs(jobs) end

---Returns the records of all jobs as the API would give them now, the newest first.
---```lua
---local emulator <close> = require("topaz.emulator").start { jobs = 3 }
---for _, status in ipairs(emulator:jobs()) do print(status.process_id, status.status) end
---```
---@return topaz.Status[] statuses
function Emulator:jobs() end

---Returns the record of one job as the API would give it now.
---```lua
---local emulator <close> = require("topaz.emulator").start { jobs = 3 }
---print(emulator:job(emulator.ids[1]).status)
---```
---@param id string
---@return topaz.Status|nil status nil for an unknown id
function Emulator:job(id) end

---Advances the service's clock.
---```lua
---local emulator <close> = require("topaz.emulator").start {
---   clock = "virtual", jobs = { timeline = { processing = 60 } },
---}
---emulator:advance(60)
---assert(emulator:job(emulator.ids[1]).status == "Completed")
---```
---@param seconds number
---@return number now Unix seconds
function Emulator:advance(seconds) end

---Returns the time of the service's clock.
---```lua
---local emulator <close> = require("topaz.emulator").start { clock = "virtual" }
---assert(emulator:now() == 1760000000)
---```
---@return number now Unix seconds
function Emulator:now() end

---Changes the latency and the quota of a running emulator. `reset` ends the quota.
---```lua
---local emulator <close> = require("topaz.emulator").start()
---emulator:set { latency = 0.2 }
---```
---@param settings topaz.EmulatorSettings
function Emulator:set(settings) end

---Settings for `emulator:set`.
---@class topaz.EmulatorSettings
---@field latency? number seconds before every response
---@field quota? topaz.EmulatorQuota|false requests above it are answered with 429, and every response says what is left

---A quota of requests for each window, which begins with its first request, by the emulator's clock.
---@class topaz.EmulatorQuota
---@field limit integer requests in a window
---@field window integer seconds
---@field form? "ratelimit"|"fields"|"x"|"x_unix"|"none" (default "ratelimit"): the headers `RateLimit` and `RateLimit-Policy`;
---`RateLimit-Limit`, `-Remaining`, `-Reset`; the same with `X-`, and with the reset as a Unix time; no header
---@field wrong? boolean (default false): refuse nothing, and say all the same that nothing is left

---Returns the log of requests, the oldest first.
---```lua
---local emulator <close> = require("topaz.emulator").start { jobs = 3 }
---topaz.client({ api_key = emulator.key, base_url = emulator.url }):get_page()
---for _, request in ipairs(emulator:requests()) do
---   print(request.method, request.path, request.status)
---end
---```
---@return topaz.EmulatorRequest[] requests
function Emulator:requests() end

---Returns the counts of requests.
---```lua
---local emulator <close> = require("topaz.emulator").start { jobs = 3 }
---topaz.client({ api_key = emulator.key, base_url = emulator.url }):get_page()
---assert(emulator:counts().kinds.list == 1)
---```
---@return topaz.EmulatorCounts counts
function Emulator:counts() end

---Empties the log, and sets the counts to 0.
---```lua
---local emulator <close> = require("topaz.emulator").start()
---emulator:clear_log()
---```
function Emulator:clear_log() end

---Adds a fault to the queue. For each request the queue is searched for the first fault that
---matches, and has no more requests to let pass: this fault is applied.
---
---Raises: an unknown member.
---```lua
---local emulator <close> = require("topaz.emulator").start { jobs = 3 }
---emulator:fault { match = { kind = "list" }, status = 503, headers = { ["Retry-After"] = "1" } }
---emulator:fault { match = { kind = "delete_one" }, drop = "after", times = 2 }
---```
---@param fault topaz.EmulatorFault
---@return integer id
function Emulator:fault(fault) end

---Returns the faults that wait for further requests.
---```lua
---local emulator <close> = require("topaz.emulator").start()
---emulator:fault { status = 500 }
---assert(#emulator:faults() == 1)
---```
---@return topaz.EmulatorFault[] faults
function Emulator:faults() end

---Removes one fault from the queue, or all.
---```lua
---local emulator <close> = require("topaz.emulator").start()
---emulator:clear_faults(emulator:fault { status = 500, times = math.huge })
---```
---@param id? integer (default: all)
function Emulator:clear_faults(id) end

---A request in the log.
---@class topaz.EmulatorRequest
---@field count integer its place in the log
---@field method string
---@field path string
---@field kind topaz.EmulatorKind
---@field query? string as it was sent
---@field args table<string, any> the query's parameters
---@field headers table<string, any> names in lower case
---@field status? integer of the response; 0: nothing was sent; nil: the request still runs
---@field connection integer the number of its connection
---@field connection_requests integer requests of this connection until then
---@field http_version number 1.1 or 2
---@field scheme string "http" or "https"
---@field time number at which it arrived, Unix seconds of the machine's clock
---@field finished? number at which it ended, likewise
---@field clock number at which it arrived, by the service's clock
---@field fault? integer the id of the fault that was applied to it

---Counts of requests. Counting continues when the log is full.
---@class topaz.EmulatorCounts
---@field total integer
---@field finished integer
---@field connections integer
---@field not_logged integer those that came when the log was full
---@field by table<string, integer> by operation, such as "GET /status/{process_id}"
---@field kinds table<string, integer> by kind
---@field statuses table<string, integer> by the status of the response, such as "200"

---Which requests a fault applies to: those for which all that is given holds.
---@class topaz.EmulatorMatch
---@field method? string
---@field path? string a Lua pattern
---@field kind? topaz.EmulatorKind

---A fault: which requests it applies to, and what then happens. Where it makes sense several go
---together. What is written by hand on the connection (from `truncate` on) is HTTP/1.1 only, and
---the connection is closed afterwards.
---@class topaz.EmulatorFault
---@field match? topaz.EmulatorMatch (default: every request)
---@field times? number how many requests it applies to (default 1); math.huge: all
---@field after? integer matching requests that pass first (default 0)
---@field probability? number 0 to 1 (default 1)
---@field delay? number seconds until the request takes effect; it has none if the client goes away meanwhile
---@field delay_after? number seconds after it took effect, until anything is sent
---@field status? integer answered in place of the API's response
---@field headers? table<string, string|string[]> of that response, or, alone, added to the API's; a list is sent as several headers
---@field body? string of that response
---@field effect? boolean (default false): the request takes effect although something else is answered
---@field redirect? string a URL: 302, or `status`
---@field repeat_body? topaz.EmulatorBody a body of any size
---@field big_header? integer bytes of one header
---@field gzip_truncated? boolean the response compressed, and cut in the middle
---@field gzip_corrupt? boolean the response compressed, and garbage from the middle on
---@field gzip_members? topaz.EmulatorGzip the response compressed in two members, and text in one more
---@field gzip_trailing? string these bytes after the compressed response
---@field gzip_bomb? integer bytes of an open list and white space, of which a thousandth is sent, compressed
---@field drop? "before"|"after" closes without a byte, before or after the request took effect
---@field reset? boolean closes by a reset (RST): alone before the request took effect, else with what it goes with
---@field list_shape? "array"|"page" of a list, whatever was asked for
---@field pagination_first? boolean before the data
---@field empty_page? boolean an empty page first, the page itself follows
---@field has_next_without_cursor? boolean|"empty" no cursor, or an empty one
---@field cursor_loop? boolean|integer the cursors of the first pages come again and again; needs `times`
---@field record? topaz.EmulatorRecord changes to each record
---@field nulls? boolean null where a member could be left out
---@field floats? boolean integers written as floats
---@field extra_members? boolean two members that the API does not have
---@field truncate? topaz.EmulatorTruncate the body cut
---@field cut_header? boolean|integer the header cut after the status line, or after so many bytes
---@field malformed_chunk? "garbage"|"overflow"|"negative"|"empty" a chunk that is wrong
---@field drip? topaz.EmulatorDrip the response in small pieces
---@field stall? topaz.EmulatorStall a pause in the response
---@field raw_before? string bytes before the response, such as 1xx
---@field raw_before_times? integer how often (default 1)
---@field raw_after? string bytes after the end of the response
---@field raw? string these bytes and nothing else
---@field endless_headers? boolean a header that never ends
---@field close_after? number seconds that the connection stays open before it is closed

---A body made of repeated parts.
---@class topaz.EmulatorBody
---@field prefix? string (default: none)
---@field unit? string (default: a blank)
---@field count? integer of units (default: endless)
---@field suffix? string (default: none)
---@field length? boolean with a `Content-Length` (default false)

---A response of several gzip members.
---@class topaz.EmulatorGzip
---@field at? integer bytes of the first member (default: the whole response)
---@field text? string of one more member

---Changes to the records of a response.
---@class topaz.EmulatorRecord
---@field fields? table<string, any> members and their values
---@field raw_fields? table<string, string> members and their JSON texts
---@field remove? string[] members to leave out

---Where and how a body is cut.
---@class topaz.EmulatorTruncate
---@field at? integer bytes (default: half of the body)
---@field length? boolean with the `Content-Length` of the whole body (default true)
---@field chunked? boolean|"boundary" in chunks (default false); "boundary": cut between two of them

---The pieces of a response.
---@class topaz.EmulatorDrip
---@field bytes? integer of each piece (default 1)
---@field interval? number seconds between two (default 0.05)
---@field header? boolean (default false): the header too

---A pause in a response.
---@class topaz.EmulatorStall
---@field at? integer bytes of the body before it (default: half of the body)
---@field seconds? number (default 60)

return emulator
