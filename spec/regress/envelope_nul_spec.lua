-- A member of the envelope whose name was "data" and a NUL took the place of the records:
-- the name was kept as a C string.
local room = require "status_room"

describe("a member of the envelope with a NUL in its name", function()
   it("is kept under its whole name, beside the records", function()
      for _, name in ipairs { "data", "pagination" } do
         local text = [[{"%s\u0000":1,"data":[{"process_id":"a","status":"b"}],"pagination":{"has_next_page":false}}]]
         local statuses, page = room.list(text:format(name))
         assert.equal(1, #statuses)
         assert.is_nil(page.data) -- the records are not the page's business here
         assert.same({ has_next_page = false }, page.pagination)
         assert.equal(1, page[name .. "\0"])
      end
   end)
end)
