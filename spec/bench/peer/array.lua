-- topaz and the plain array:  array.lua BASE_URL (all | first | idle | page | beside) [CA_FILE]
-- all: every status; first: only the first one; idle: no request at all; page: one page;
-- beside: every status, while another task reads single pages all the time.
-- Prints how long the first status took.
local socket = require "socket"
local topaz = require "topaz"

local client <close> = topaz.client { api_key = "bench", base_url = arg[1], ca_file = arg[3] }
local count, checksum, begin = 0, 0, socket.gettime()
local over, pages = false, 0

local function read()
   for status in client:statuses { paginated = false } do
      count, checksum = count + 1, checksum + status.progress
      if count == 1 then
         print(("first_seconds=%.6f"):format(socket.gettime() - begin))
         if arg[2] == "first" then break end
      end
   end
   over = true
end

local function read_pages()
   while not over do
      assert(client:get_page())
      pages = pages + 1
   end
end

if arg[2] == "idle" then
   client:step(0)
elseif arg[2] == "page" then
   assert(client:get_page())
elseif arg[2] == "beside" then
   client:spawn(read_pages)
   client:spawn(read)
   assert(client:run() == 0, "a task failed")
   assert(pages > 1, "no page was read beside the array")
else
   read()
end
print(("count=%d checksum=%d pages=%d http2=%d"):format(count, checksum, pages, client:stats().http2 and 1 or 0))
