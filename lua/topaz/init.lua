--- topaz: the statuses of image-processing jobs, read, followed and cleaned up.
--
-- The C core (topaz.core) asks the API and decodes its responses; the modules beside this one add
-- waiting, tasks and the helpers to the core's clients and cursors.
local load = require "topaz.load"
local core = load "topaz.core"
local cjson = load "cjson"
local misuse = require "topaz.misuse"
local words = require "topaz.words"

local topaz = {
   --- The version of this module.
   version = core.version,
   --- Stands for null inside arrays of unknown members, and in what `topaz.options` gives. The same
   -- value as cjson.null.
   null = core.null,
   --- The metatable of empty arrays, so that they are not taken for empty objects: that of cjson,
   -- where it has one.
   array_mt = core.array_mt(cjson.array_mt),
   --- The C core; `topaz.core.libcurl` says what libcurl it stands on.
   core = core,
}

--- Says whether a status will not change any more.
function topaz.is_done(status)
   local word = type(status) == "table" and status.status or status
   if type(word) ~= "string" then misuse.argument("status", "expected a status or its word, got %s", type(status)) end
   return words.is_finished[word] == true
end

--- Decodes `options_json` of a status.
function topaz.options(status)
   if type(status) ~= "table" then misuse.argument("status", "expected a status, got %s", type(status)) end
   local text = status.options_json
   if text == nil or text == "" or text == core.null then return nil end
   if type(text) == "table" then return text end -- a server that sends them as an object
   if type(text) ~= "string" then return nil, "options_json is a " .. type(text) .. ", not a string" end
   local value, why = core.decode(text)
   if why then return nil, "options_json is not valid JSON: " .. why end
   if value == core.null then return nil end
   if type(value) ~= "table" then
      return nil, "options_json holds a " .. type(value) .. ", neither an object nor an array"
   end
   return value
end

core.set_share(function(...) require "topaz.share".begin(...) end)

--- Makes a client.
topaz.client = core.client

if not core.libcurl.async_dns then
   warn("topaz: this libcurl (", core.libcurl.version, ") resolves names in the calling thread: step(0) may block")
end

require "topaz.task"
require "topaz.wait"
require "topaz.pages"
require "topaz.watch"
require "topaz.cleanup"

return topaz
