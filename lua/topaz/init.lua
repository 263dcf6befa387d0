--- topaz: the statuses of image-processing jobs, read, followed and cleaned up.
--
-- The C core (topaz.core) asks the API and decodes its answers; the modules beside this one add waiting, tasks and the
-- helpers to the core's clients and cursors.
local load = require "topaz.load"
local core = load "topaz.core"
local cjson = load "cjson"
local words = require "topaz.words"

local topaz = {
   --- The version of this module.
   version = core.version,
   --- Stands for null inside arrays of unknown members, and in what `topaz.options` gives. The same value as cjson.null.
   null = core.null,
   --- The C core; `topaz.core.libcurl` says what libcurl it stands on.
   core = core,
}

--- Whether a status will not change any more.
-- @tparam table|string status a status, or the word in its member `status`
-- @treturn boolean true for Completed, Cancelled and Failed; a word that this version does not know is not terminal
function topaz.is_done(status)
   local word = type(status) == "table" and status.status or status
   if type(word) ~= "string" then
      error("bad argument 'status': expected a status or its word, got " .. type(status), 2)
   end
   return words.is_finished[word] == true
end

-- Debian's cjson gives every number as a float; an integral one becomes an integer again.
local function integers(value)
   if type(value) == "table" then
      for k, v in pairs(value) do value[k] = integers(v) end
      return value
   end
   return type(value) == "number" and math.tointeger(value) or value
end

--- What `options_json` of a status holds.
-- @tparam table status
-- @treturn table|nil the decoded options; nil when the status has none
-- @treturn string|nil what is wrong with them, when they are no JSON
function topaz.options(status)
   if type(status) ~= "table" then
      error("bad argument 'status': expected a status, got " .. type(status), 2)
   end
   local text = status.options_json
   if text == nil or text == "" then return nil end
   local ok, value = pcall(cjson.decode, text)
   if not ok then return nil, "options_json is no JSON: " .. tostring(value) end
   return integers(value)
end

--- Makes a client.
-- @tparam[opt] table options see the README for all of them; `api_key` falls back to $TOPAZ_API_KEY, `base_url` to $TOPAZ_BASE_URL
-- @return the client
topaz.client = core.client

if not core.libcurl.async_dns then
   warn("topaz: this libcurl (", core.libcurl.version, ") resolves names in the calling thread, so that step(0) may stall")
end

require "topaz.task"
require "topaz.wait"
require "topaz.pages"
require "topaz.watch"
require "topaz.cleanup"

return topaz
