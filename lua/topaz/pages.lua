--- A cursor's statuses page by page.
local core = require "topaz.core"

local methods = core.cursor_methods()
local core_token = methods.token

local BATCH = 100 -- statuses; the plain array of `paginated = false` is cut into batches

-- cursor -> { page, over, token }: the page that is being collected, whether it is the last one,
-- and the token that stands before its first status while it has any. It stays when an error ends
-- the collecting, for the next call, also one of another pages().
local collected = setmetatable({}, { __mode = "k" })

local function next_page(cursor, held)
   while not held.over do
      local before = not held.token and core_token(cursor)
      local status = cursor:in_page()
      local page = held.page
      if status then
         page[#page + 1] = status
         held.token = held.token or before
      elseif status == false then
         held.over = true
      end
      if #page >= BATCH or (not status and #page > 0) then
         held.page, held.token = {}, nil
         return page
      end
   end
   return nil
end

--- Iterates page by page; the cursor is the loop's closing value.
function methods.pages(cursor)
   local held = collected[cursor] or { page = {}, over = false }
   collected[cursor] = held
   return function() return next_page(cursor, held) end, nil, nil, cursor
end

--- Returns the list token: it stands behind the last status, or the last whole page, that was
-- given.
function methods.token(cursor)
   local held = collected[cursor]
   return held and held.token or core_token(cursor)
end
