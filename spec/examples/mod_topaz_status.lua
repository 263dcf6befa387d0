-- A module for Prosody: GET /topaz/PROCESS_ID answers when that job is finished, GET /topaz tells
-- how many jobs there are of each status. Prosody's one thread serves all others meanwhile.
--
-- Put it into a folder of plugin_paths, and "topaz_status" into modules_enabled of a host. The
-- options topaz_api_key and topaz_base_url go before $TOPAZ_API_KEY and $TOPAZ_BASE_URL.
-- luacheck: globals module
local server = require "net.server"
local timer = require "util.timer"
local topaz = require "topaz"

local BUDGET = 0.005 -- seconds of a step; Prosody goes on after it

local client = topaz.client {
   api_key = module:get_option_string "topaz_api_key",
   base_url = module:get_option_string "topaz_base_url",
}

-- The client has work when its descriptor is readable, and when its time has come.
local alarm
local function step()
   client:step(0, BUDGET)
   if alarm then timer.stop(alarm) end
   local seconds = client:timeout()
   alarm = seconds and timer.add_task(seconds, function()
      alarm = nil
      step()
   end)
end
local descriptor = server.watchfd(client:pollfd(), step)

local UUID = "^%x%x%x%x" .. ("%x%x%x%x%-"):rep(4) .. ("%x"):rep(12) .. "$"
local CODES = { not_found = 404, timeout = 504 } -- others are 502

local function send(response, text, err)
   response.on_destroy = nil
   if not text then response.status_code = CODES[err.kind] or 502 end
   response.headers.content_type = "text/plain"
   response:send(text or tostring(err) .. "\n")
end

--- Runs f(...) as a task, in which calls yield, and sends what it returns: a text, or nil and
-- an error.
-- @treturn boolean true, by which Prosody knows that the answer comes later
local function answer(event, f, ...)
   local task = client:spawn(function(...)
      local ok, text, err = pcall(f, ...)
      if ok then send(event.response, text, err) else send(event.response, nil, text) end
   end, ...)
   function event.response.on_destroy() task:cancel() end -- nobody is there any more
   step()
   return true
end

local function finished(process_id)
   local status, err = client:wait_until_done(process_id, { timeout = 300 })
   return status and status.status .. "\n", err
end

local function counts()
   local numbers, lines = {}, {}
   for status in client:statuses { fields = { "status" } } do
      numbers[status.status] = (numbers[status.status] or 0) + 1
   end
   for word, number in pairs(numbers) do lines[#lines + 1] = ("%s %d\n"):format(word, number) end
   table.sort(lines)
   return table.concat(lines)
end

module:depends "http"
module:provides("http", {
   default_path = "/topaz",
   route = {
      ["GET"] = function(event) return answer(event, counts) end,
      ["GET /*"] = function(event, process_id)
         if not process_id:match(UUID) then return 404 end
         return answer(event, finished, process_id)
      end,
   },
})

function module.unload()
   descriptor:close()
   if alarm then timer.stop(alarm) end
   client:close()
end
