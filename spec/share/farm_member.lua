-- A process of the farm that spec/share/farm.lua starts: watches the ids of its input, one a line,
-- and writes what happens: "role NAME" and "end ID WORD". Options come as TOPAZ_* variables.
local topaz = require "topaz"

io.stdout:setvbuf "line"

local client = topaz.client {
   on_event = function(event)
      if event.type == "share" then print("role", event.reason) end
   end,
}
local ids = {}
for id in io.lines() do ids[#ids + 1] = id end
for status, gone in client:watch(ids, { timeout = 600 }) do
   print("end", status.process_id, gone and gone.kind or status.status)
end
print("done", client:stats().calls)
client:close()
