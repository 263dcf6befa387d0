--- A cursor's statuses page by page, for those who want batches.
local core = require "topaz.core"

local methods = core.cursor_methods()

local BATCH = 100 -- statuses; the plain array of `paginated = false` is cut into batches of this size

--- Iterates page by page: `for page in cursor:pages() do for _, status in ipairs(page) do … end end`. Empty pages are left out.
-- The cursor is the loop's closing value; after each page `cursor:token()` resumes behind it. A page that cannot be read to its
-- end is raised as the error, and given whole when asked again.
-- @treturn function iterator giving a list of statuses
function methods.pages(cursor)
   local page, over = {}, false -- an error in the middle leaves what there is for the next call
   local function next_page()
      while not over do
         local status = cursor:in_page()
         if status then
            page[#page + 1] = status
         elseif status == false then
            over = true
         end
         if #page >= BATCH or (not status and #page > 0) then
            local whole = page
            page = {}
            return whole
         end
      end
      return nil
   end
   return next_page, nil, nil, cursor
end
