// Computes ConvLSTM networks with TensorFlow.js (npm: @tensorflow/tfjs 4, plain JavaScript), for TensorFlowJsTest.
//
// Usage: node forward.js JOBS.json
//
// JOBS.json is a list of {layers, weights, x, shape}: the class names and settings of layers, the values of all of
// their weights one after the other, and the input with its shape. Prints a list of the outputs.
"use strict";
const fs = require("fs");
const tf = require("@tensorflow/tfjs"); // NODE_PATH names the directory that has it.

const makers = {
  ConvLSTM2D: (settings) => tf.layers.convLstm2d({...settings, returnSequences: true}),
  Conv3D: (settings) => tf.layers.conv3d(settings),
};

const outputs = JSON.parse(fs.readFileSync(process.argv[2])).map((job) => {
  const model = tf.sequential();
  job.layers.forEach(({type, settings}, k) =>
    model.add(makers[type](k === 0 ? {...settings, inputShape: job.shape.slice(1)} : settings)));
  let at = 0;
  model.setWeights(model.getWeights().map(({shape, size}) => tf.tensor(job.weights.slice(at, at += size), shape)));
  if (at !== job.weights.length) {
    throw new Error(`${job.weights.length} values for ${at} weights`);
  }
  return Array.from(model.predict(tf.tensor(job.x, job.shape)).dataSync());
});
process.stdout.write(JSON.stringify(outputs));
