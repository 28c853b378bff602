
for step in $steps; do
  if ! "$step"; then
    report FAILURE "$reason"
    exit 1
  fi
done
report SUCCESS "as planned"
