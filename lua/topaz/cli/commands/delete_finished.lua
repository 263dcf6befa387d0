--- topaz-status delete-finished: clean-up, told as it goes.
local arguments = require "topaz.cli.arguments"
local options = require "topaz.cli.options"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"
local words = require "topaz.words"

local ERRORS_SHOWN = 5

local function in_words(report)
   local parts = { ("%d deleted"):format(report.deleted) }
   for _, name in ipairs { "already_gone", "refused", "failed" } do
      if report[name] > 0 then parts[#parts + 1] = ("%d %s"):format(report[name], (name:gsub("_", " "))) end
   end
   return table.concat(parts, ", ")
end

local function run(shell)
   local args, client = shell.args, shell:client()
   shell.resume = function() return shell:again() end
   local report, err
   do
      local lines <close> = shell.is_terminal and terminal.open(io.stdout) or nil
      report, err = shell:checked(client.delete_finished, client, {
         older_than = args.older_than, dry_run = args.dry_run,
         status = args.status and #args.status > 0 and args.status or nil,
         on_progress = lines and function(so_far)
            lines:draw(function(width)
               return { text.fit(args.dry_run and ("%d so far"):format(so_far.matched)
                  or ("%s, of %d so far"):format(in_words(so_far), so_far.matched), width) }
            end)
         end,
      })
      if lines then lines:clear() end
   end
   output.write(args.dry_run and ("%d would be deleted\n"):format(report.matched) or in_words(report) .. "\n")
   for i = 1, math.min(#report.errors, ERRORS_SHOWN) do shell:tell_error(report.errors[i].error) end
   local more = report.refused + report.failed - math.min(#report.errors, ERRORS_SHOWN)
   if more > 0 then shell:tell(("%d more could not be deleted"):format(more), "run it again") end
   if err then
      -- An error that was told as that of a status is not told twice.
      if #report.errors == 0 then error(err, 0) end
      problem.raise(problem.FAILED, "stopped early because of these failures", "run it again later")
   end
   shell.resume = nil
   return report.refused + report.failed > 0 and problem.FAILED or 0
end

return {
   name = "delete-finished",
   summary = "Delete the statuses of finished jobs.",
   description = "Delete the statuses of finished jobs, several at a time. The command can be interrupted and run "
      .. "again.",
   examples = [[
topaz-status delete-finished --dry-run
topaz-status delete-finished --older-than 2d --status Completed --status Failed]],
   arguments = function(command)
      command:option("--older-than", "Only statuses last modified at least TIME ago.")
         :argname "TIME":convert(options.duration)
      command:option("--status", "Completed (the default), Cancelled or Failed; may be given several times.")
         :argname "WORD":count "*":convert(arguments.word_of(words.finished))
      command:flag("--dry-run", "Only count what would be deleted.")
      arguments.call_timeout(command)
      arguments.common(command)
   end,
   run = run,
}
