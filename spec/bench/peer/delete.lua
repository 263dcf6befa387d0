-- Deletes what is completed, and says how long that took:
--    delete.lua BASE_URL KEY (one | all) [CA_FILE]
-- one: client:delete_status for one after the other, of ids that are listed before and not timed;
-- all: delete_finished, with all it does: its lists, its connections, the handshake.
local socket = require "socket"
local topaz = require "topaz"

local client <close> = topaz.client { base_url = arg[1], api_key = arg[2], ca_file = arg[4] }

local function listed()
   local ids = {}
   for status in client:statuses { fields = { "process_id" }, where = { status = "Completed" } } do
      ids[#ids + 1] = status.process_id
   end
   return ids
end

local function one_by_one(ids)
   for _, id in ipairs(ids) do assert(client:delete_status(id)) end
   return #ids
end

local function finished()
   local report, err = client:delete_finished()
   if err then error(err) end
   return report.deleted
end

local ids = arg[3] == "one" and listed()
local began = socket.gettime()
local count = ids and one_by_one(ids) or finished()
local seconds = socket.gettime() - began
print(("count=%d seconds=%.6f http2=%d"):format(count, seconds, client:stats().http2 and 1 or 0))
