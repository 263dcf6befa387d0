--- Which statuses a command looks at: from its options to a cursor.
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
   if args.newer_than or args.older_than then
      where.modification_time = { newer_than = args.newer_than, older_than = args.older_than }
   end
   return next(where) and where or nil
end

--- A cursor over the chosen statuses.
-- @param shell
-- @tparam table|nil fields members to read; nil: all
function select.cursor(shell, fields)
   local args, client = shell.args, shell:client()
   return shell:checked(client.statuses, client, { where = where_of(args), fields = fields, resume = args.resume })
end

return select
