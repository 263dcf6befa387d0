-- topaz:  topaz.lua BASE_URL [all | filter]
-- The job of every peer: go through all statuses of the list, page after page, count them,
-- add up their progress.
local topaz = require "topaz"

local options = {
   all = {},
   filter = { fields = { "process_id", "filename", "status", "progress" }, where = { status = "Failed" } },
}
local client <close> = topaz.client { api_key = "bench", base_url = arg[1] }
local count, checksum = 0, 0
for status in client:statuses(options[arg[2] or "all"]) do
   count, checksum = count + 1, checksum + status.progress
end
print(("count=%d checksum=%d"):format(count, checksum))
