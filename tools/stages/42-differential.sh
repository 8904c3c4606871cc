# Engines against the model, operation by operation, on the release build. Every operation counts.
# needs: release
. tools/stages/lib.sh
tools/build.sh release store_differential || exit 1
first=${DIFFERENTIAL_SEED:-$((RANDOM * 32768 + RANDOM))}
echo "first seed $first"
for engine in memory rocksdb; do
  if build/release/tests/store/store_differential "$engine" "$OPERATIONS" "$first"; then
    pass 1 "$engine: $OPERATIONS operations from seed $first"
  else
    fail "$engine" "differs from the model; first seed $first"
  fi
done
[ "$(failures)" -eq 0 ]
