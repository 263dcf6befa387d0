-- What each thread of threads.c does.
local url, key = ...
local topaz = require "topaz"

local ROUNDS, REQUESTS = 3, 350

for round = 1, ROUNDS do
   local client = topaz.client { api_key = key, base_url = url, on_event = function() end }
   local ids = {}
   for status in client:statuses { limit = 3 } do ids[#ids + 1] = status.process_id end
   assert(#ids == 10)
   for i = 1, REQUESTS do
      local id = ids[i % #ids + 1]
      client:spawn(function() assert(assert(client:get_status(id)).process_id == id) end)
   end
   local failed, err = client:run()
   assert(failed == 0, err)
   local _, problem = client:get_status("00000000-0000-4000-8000-000000000000")
   assert(problem.kind == "not_found")
   if round < ROUNDS then client:close() end -- the last one is left to lua_close
end
