--- Which statuses a command looks at: from its options to what a cursor takes, and what is left to check by hand.
local topaz = require "topaz"

local select = {}

local function where_of(args)
   local where = {}
   local function allow(member, value)
      where[member] = where[member] or {}
      table.insert(where[member], value)
   end
   for _, word in ipairs(args.status or {}) do allow("status", word) end
   for _, model in ipairs(args.model or {}) do allow("model", model) end
   for _, pair in ipairs(args.where or {}) do allow(pair[1], pair[2]) end
   return next(where) and where or nil
end

-- The members to read: those to show, and what is checked here.
local function fields_of(args, fields)
   if not fields then return nil end
   local list = table.move(fields, 1, #fields, 1, {})
   if args.newer_than or args.older_than then list[#list + 1] = "modification_time" end
   return list
end

--- A cursor over the chosen statuses.
-- @param shell
-- @tparam table|nil fields members to read; nil: all
-- @return the cursor
-- @treturn function (status) whether it is one of the chosen ones, which the cursor alone cannot tell
function select.cursor(shell, fields)
   local args, client = shell.args, shell:client()
   local cursor = shell:checked(client.statuses, client, {
      where = where_of(args), fields = fields_of(args, fields), resume = args.resume,
   })
   local newest, oldest
   local function keeps(status)
      if not args.newer_than and not args.older_than then return true end
      if not newest then
         local now = topaz.core.wall() + (client:stats().clock_skew or 0)
         newest = args.older_than and now - args.older_than or math.huge
         oldest = args.newer_than and now - args.newer_than or -math.huge
      end
      local at = status.modification_time
      return type(at) == "number" and at <= newest and at >= oldest
   end
   return cursor, keeps
end


return select
