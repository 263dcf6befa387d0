-- A process of the farm that spec/share/farm.lua starts: watches the ids of its input, and writes
-- what happens: "role TIME NAME", "end TIME ID WORD" and, in the end, "done CALLS". Options come as
-- TOPAZ_* variables, MEMBER, which is sent with each request, and MEMBER_BODY: seconds that the
-- body of the loop takes after the first end.
--
-- The input has for each watch a line "watch AT SECONDS", AT seconds after the start, and below it
-- the ids, one a line.
local topaz = require "topaz"
local core = require "topaz.core"
local socket = require "socket"

io.stdout:setvbuf "line"

local function say(what, ...) print(what, ("%.3f"):format(core.wall()), ...) end

local client = topaz.client {
   share = { url = os.getenv "TOPAZ_SHARE", role = os.getenv "MEMBER_ROLE" },
   headers = { ["X-Member"] = os.getenv "MEMBER" },
   on_event = function(event)
      if event.type == "share" then say("role", event.reason) end
   end,
}

local watches = {}
for line in io.lines() do
   local at, seconds = line:match "^watch (%S+) (%S+)$"
   if at then
      watches[#watches + 1] = { at = tonumber(at), seconds = tonumber(seconds), ids = {} }
   else
      table.insert(watches[#watches].ids, line)
   end
end

local body = tonumber(os.getenv "MEMBER_BODY")

local function run(watch)
   if watch.at > 0 then assert(client:sleep(watch.at)) end
   local ok, err = pcall(function()
      for status, gone in client:watch(watch.ids, { timeout = watch.seconds }) do
         say("end", status.process_id, gone and gone.kind or status.status)
         if body then
            local seconds = body
            body = nil
            socket.sleep(seconds)
         end
      end
   end)
   if not ok and not (type(err) == "table" and err.kind == "timeout") then say("failed", tostring(err)) end
end

for _, watch in ipairs(watches) do client:spawn(run, watch) end
client:run()
print("done", client:stats().calls)
client:close()
