---@meta topaz.progress
-- The public interface of topaz.progress; see types/topaz.lua.
-- luacheck: ignore 211 212 241

---Progress of jobs as bars: the lines depend on the statuses recorded, the time and the width alone. `require "topaz.progress"`.
---@class topaz.progress
local progress = {}

---Makes bars without jobs.
---```lua
---local bars = require("topaz.progress").new { stalled_after = 60 }
---bars:update(assert(client:get_status(id)))
---for _, line in ipairs(bars:lines(80)) do print(line) end
---```
---@param options? topaz.ProgressOptions
---@return topaz.Bars bars
function progress.new(options) end

---Draws one bar.
---```lua
---print(require("topaz.progress").bar(42, 30))
---```
---@param percent number 0 to 100
---@param width integer cells, at least 3
---@param ascii? boolean (default false): with ASCII characters alone
---@return string bar exactly that wide
function progress.bar(percent, width, ascii) end

---Does what `client:wait_all` does, with bars on the terminal. Where the handle is not a terminal it draws nothing.
---```lua
---local statuses = assert(require("topaz.progress").wait_all(client, ids))
---for process_id, status in pairs(statuses) do print(process_id, status.status or status) end
---```
---@param client topaz.Client
---@param ids string[]|string|nil as for `client:wait_all`
---@param options? topaz.ProgressWaitOptions
---@return table<string, topaz.Status|topaz.Error>|nil statuses
---@return topaz.Error|nil err
function progress.wait_all(client, ids, options) end

---Options of `progress.new`.
---@class topaz.ProgressOptions
---@field stalled_after? number seconds (default 120) without a change of a job being processed, after which it is marked
---@field skew? number seconds (default 0) by which the server's clock is ahead, as in `client:stats().clock_skew`

---Options of `progress.wait_all`: those of `client:wait_all`, and where the bars go.
---@class topaz.ProgressWaitOptions: topaz.WatchOptions
---@field handle? file* io.stderr or io.stdout (default io.stderr)
---@field rows? integer of jobs at most (default 10)

---Bars of many jobs.
---@class topaz.Bars
local Bars = {}

---Records a status.
---```lua
---local bars = require("topaz.progress").new()
---bars:update(assert(client:get_status(id)))
---```
---@param status topaz.Status
---@param now? number Unix seconds by this machine's clock (default: now)
function Bars:update(status, now) end

---Forgets a job.
---```lua
---local bars = require("topaz.progress").new()
---bars:remove(id)
---```
---@param process_id string
function Bars:remove(process_id) end

---Sets by how many seconds the server's clock is ahead of this machine's.
---```lua
---local bars = require("topaz.progress").new()
---bars:set_skew(client:stats().clock_skew)
---```
---@param seconds? number (default 0)
function Bars:set_skew(seconds) end

---Counts the jobs, and the finished ones. It costs the same with any number of jobs.
---```lua
---local bars = require("topaz.progress").new()
---local jobs, finished = bars:count()
---print(jobs, finished)
---```
---@return integer jobs
---@return integer finished of these
function Bars:count() end

---Records the last statuses of a watcher's jobs that are not finished. Sends nothing.
---```lua
---local bars, watcher <close> = require("topaz.progress").new(), client:watch(ids)
---watcher()
---bars:look(watcher)
---print(bars:total_line(80))
---```
---@param watcher topaz.Watcher
---@param now? number Unix seconds (default: now)
function Bars:look(watcher, now) end

---Says how far all of them are together.
---```lua
---local bars = require("topaz.progress").new()
---print(bars:summary().percent)
---```
---@param now? number Unix seconds (default: now)
---@return topaz.ProgressSummary summary
function Bars:summary(now) end

---Draws the line of all jobs together.
---```lua
---local bars = require("topaz.progress").new()
---print(bars:total_line(80))
---```
---@param width integer cells
---@param now? number Unix seconds (default: now)
---@param options? topaz.LineOptions
---@return string line
function Bars:total_line(width, now, options) end

---Draws a line for each job that is not finished, and below, when there are several jobs, one for all of them.
---```lua
---local bars = require("topaz.progress").new()
---for _, one in ipairs(ids) do bars:update(assert(client:get_status(one))) end
---for _, line in ipairs(bars:lines(60, nil, { rows = 3, ascii = true })) do print(line) end
---```
---@param width integer cells that a line takes at most
---@param now? number Unix seconds (default: now)
---@param options? topaz.LineOptions
---@return string[] lines
---@return integer jobs how many there are to choose from: those that `filter` and `ended` allow
function Bars:lines(width, now, options) end

---Options of lines.
---@class topaz.LineOptions
---@field rows? integer of jobs at most, those that are furthest (default: all)
---@field first? integer (default 1): the job of the first line, counted in the order of `sort`
---@field sort? "progress"|"left"|"name"|"newest" order of the lines (default: as the jobs came)
---@field filter? string only jobs whose name or process_id contains it, in any case (default: all)
---@field ended? boolean (default false): finished jobs too
---@field total? boolean (default true): the line of all
---@field ascii? boolean (default false): ASCII characters alone
---@field paint? fun(word: string, text: string): string the text with colours (default: none)

---What `bars:summary()` gives.
---@class topaz.ProgressSummary
---@field total integer jobs
---@field done integer finished ones
---@field percent number 0 to 100, as shown
---@field by_status table<string, integer>
---@field stalled integer jobs being processed without a change for `stalled_after` seconds
---@field seconds_left? number estimated, until the last one is finished

return progress
